import assert from 'node:assert/strict';
import { X509Certificate } from 'node:crypto';
import { describe, it } from 'mocha';
import { times } from './certificate-plan.ts';
import { bundleOf, type Certificates, certificatesOf, renewed, secretOf, validityOf } from './certificate-store.ts';

const NAMES = ['metricops.metricops-system.svc'];
const START = Date.parse('2030-01-01T00:00:00Z');
const DAY = 86_400_000;

/** Is the leaf of the one verified by the bundle of the other, at that time? */
const trusts = (bundle: string, { leaf }: Certificates, now: number): boolean => {
  const certificate = new X509Certificate(leaf.certificate);
  const { notBefore, notAfter } = validityOf(certificate);
  const cas = bundle.split(/(?<=-----END CERTIFICATE-----\n)/).map((pem) => new X509Certificate(pem));
  return (
    notBefore <= now &&
    now < notAfter &&
    cas.some((ca) => certificate.checkIssued(ca) && certificate.verify(ca.publicKey) && now < validityOf(ca).notAfter)
  );
};

describe('certificates', () => {
  it('are issued for the names of the service', async () => {
    const { leaf, ca } = await renewed(undefined, NAMES, START);
    const certificate = new X509Certificate(leaf.certificate);
    assert.equal(certificate.checkHost('metricops.metricops-system.svc'), 'metricops.metricops-system.svc');
    assert.equal(certificate.ca, false);
    assert.equal(new X509Certificate(ca.certificate).ca, true);
  });

  it('stay as they are while nothing is due', async () => {
    const first = await renewed(undefined, NAMES, START);
    assert.equal(await renewed(first, NAMES, START + 10 * DAY), first);
  });

  it('are issued anew for other names', async () => {
    const first = await renewed(undefined, NAMES, START);
    const other = await renewed(first, ['elsewhere.svc'], START);
    assert.equal(other.ca, first.ca);
    assert.ok(new X509Certificate(other.leaf.certificate).checkHost('elsewhere.svc'));
  });

  it('survive the Secret, and a damaged Secret starts anew', async () => {
    const first = await renewed(undefined, NAMES, START);
    assert.deepEqual(certificatesOf(secretOf(first)), first);
    const damaged = { ...first, ca: { ...first.ca, certificate: 'no certificate' } };
    assert.ok(
      trusts(bundleOf(await renewed(damaged, NAMES, START)), await renewed(damaged, NAMES, START), START) === false,
    );
    const again = await renewed(damaged, NAMES, START);
    assert.ok(trusts(bundleOf(again), again, START));
  });

  it('rotate for three years without one moment in which somebody does not trust what somebody serves', async function () {
    this.timeout(60_000);
    let certificates = await renewed(undefined, NAMES, START);
    const leaves = new Set<string>();
    const cas = new Set<string>();
    for (let now = START; now < START + 3 * 365 * DAY; now += DAY / 2) {
      const before = certificates;
      certificates = await renewed(certificates, NAMES, now);
      leaves.add(certificates.leaf.certificate);
      cas.add(certificates.ca.certificate);
      // A replica, the API server or a pod may still hold what was there half a day ago.
      assert.ok(trusts(bundleOf(before), certificates, now), 'who has the old bundle trusts the new leaf');
      assert.ok(trusts(bundleOf(certificates), before, now), 'who has the new bundle trusts the old leaf');
      assert.ok(bundleOf(certificates).length < 3000, 'the bundle does not grow');
    }
    assert.ok(leaves.size > 10, `${leaves.size} leaves`);
    assert.ok(cas.size > 3, `${cas.size} CAs`);
  });

  it('come back after a year in which nothing ran', async () => {
    const first = await renewed(undefined, NAMES, START);
    const later = START + times.ca + DAY;
    const again = await renewed(first, NAMES, later);
    assert.ok(trusts(bundleOf(again), again, later));
    const leafEnded = START + times.leaf + DAY;
    const leafAgain = await renewed(first, NAMES, leafEnded);
    assert.equal(leafAgain.ca, first.ca, 'the CA that everybody trusts');
    assert.ok(trusts(bundleOf(first), leafAgain, leafEnded));
  });
});
