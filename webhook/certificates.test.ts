import assert from 'node:assert/strict';
import { X509Certificate } from 'node:crypto';
import { describe, it } from 'mocha';
import { times } from './certificate-plan.ts';
import {
  bundleOf,
  type Certificates,
  certificatesOf,
  flawOf,
  renewed,
  secretOf,
  validityOf,
} from './certificate-store.ts';

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

  describe('that are not of one piece', () => {
    it('get a new leaf of the same CA where tls.key belongs to another certificate', async () => {
      const first = await renewed(undefined, NAMES, START);
      const other = await renewed(undefined, NAMES, START);
      const mixed = { ...first, leaf: { ...first.leaf, key: other.leaf.key } };
      assert.match(flawOf(mixed, NAMES, START) ?? '', /tls\.key does not belong to tls\.crt/);
      const healed = await renewed(mixed, NAMES, START);
      assert.equal(healed.ca, first.ca, 'the CA that everybody trusts');
      assert.equal(flawOf(healed, NAMES, START), undefined);
      assert.ok(trusts(bundleOf(first), healed, START));
    });

    it('get a new CA beside the old one where ca.key belongs to another certificate, and the leaf stays served', async () => {
      const first = await renewed(undefined, NAMES, START);
      const other = await renewed(undefined, NAMES, START);
      const mixed = { ...first, ca: { ...first.ca, key: other.ca.key } };
      assert.match(flawOf(mixed, NAMES, START) ?? '', /ca\.key does not belong to ca\.crt/);
      const healed = await renewed(mixed, NAMES, START);
      assert.equal(healed.leaf, first.leaf);
      assert.equal(healed.previousCa, first.ca.certificate);
      assert.equal(flawOf(healed, NAMES, START), undefined);
      assert.ok(trusts(bundleOf(first), healed, START) && trusts(bundleOf(healed), healed, START));
    });

    it('start anew, with the old CA still in the bundle, where neither the CA nor the leaf can be used', async () => {
      const first = await renewed(undefined, NAMES, START);
      const other = await renewed(undefined, NAMES, START);
      // What cert-manager writes into our Secret: tls.crt, tls.key and ca.crt of its own, and our ca.key stays.
      const foreign = { ...other, ca: { ...other.ca, key: first.ca.key } };
      const due = START + times.leaf - times.renewLeaf + DAY;
      const healed = await renewed({ ...foreign, leaf: { ...foreign.leaf, key: first.leaf.key } }, NAMES, due);
      assert.equal(flawOf(healed, NAMES, due), undefined);
      assert.equal(healed.previousCa, other.ca.certificate);
      assert.ok(trusts(bundleOf(healed), healed, due));
    });

    it('end in words where an issuer gives back what can not be used, and never in a loop', async () => {
      // A clock that gives no time: nothing that is issued is ever valid.
      await assert.rejects(renewed(undefined, NAMES, 8.64e15 - times.ca), /not usable after 5 steps/);
    });
  });

  describe('and a clock that is wrong', () => {
    const HOUR = 3_600_000;

    it('by two hours behind: what another replica issued is kept, and the log says so', async () => {
      const first = await renewed(undefined, NAMES, START);
      assert.equal(await renewed(first, NAMES, START - 3 * HOUR), first);
      assert.match(flawOf(first, NAMES, START - 3 * HOUR) ?? '', /not valid before 2029-12-31T22:00:00.000Z.*clock/);
    });

    it('by an hour, either way, at every step of a rotation: each side trusts what any replica serves', async function () {
      this.timeout(60_000);
      let certificates = await renewed(undefined, NAMES, START);
      let who = 0;
      for (let now = START; now < START + 400 * DAY; now += DAY / 2) {
        const before = certificates;
        who += 1;
        certificates = await renewed(certificates, NAMES, now + ((who % 3) - 1) * HOUR);
        for (const skew of [-HOUR, 0, HOUR]) {
          assert.ok(trusts(bundleOf(before), certificates, now + skew), 'who has the old bundle trusts the new leaf');
          assert.ok(trusts(bundleOf(certificates), before, now + skew), 'who has the new bundle trusts the old leaf');
        }
      }
    });

    it('by years ahead: the CA that everybody trusts stays in the bundle, also when the clock is right again', async () => {
      const first = await renewed(undefined, NAMES, START);
      const ahead = await renewed(first, NAMES, START + 3 * 365 * DAY);
      assert.ok(bundleOf(ahead).includes(first.ca.certificate));
      const back = await renewed(ahead, NAMES, START + DAY);
      assert.ok(bundleOf(back).includes(first.ca.certificate));
      assert.ok(trusts(bundleOf(back), back, START + DAY));
      assert.ok(bundleOf(back).length < 3000, 'the bundle does not grow');
    });
  });
});
