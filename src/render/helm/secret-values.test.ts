import assert from 'node:assert/strict';
import { describe, it } from 'mocha';
import type { KubeObject } from '../../api/meta.ts';
import { ReasonError } from '../../api/reason-error.ts';
import { markHolders, secretValuesOf, shownOf, withoutSecrets } from './secret-values.ts';

const PASSWORD = 'correct horse battery staple';
const secrets = secretValuesOf([
  { from: 'Secret shop/web', values: { db: { password: PASSWORD, port: 5432, pin: 1234567890 }, tier: 'web' } },
]);

const object = (kind: string, rest: object): KubeObject => ({
  apiVersion: 'v1',
  kind,
  metadata: { name: 'web' },
  ...rest,
});
const marked = async (given: KubeObject): Promise<boolean> => {
  const [result] = await markHolders([given], secrets);
  return result?.metadata.annotations?.['metricops.dev/holds-secret'] === 'true';
};
const base64 = (text: string): string => Buffer.from(text).toString('base64');

describe('a value of a Secret in a rendered chart', () => {
  for (const [what, spec, expected] of [
    ['stands in a text', { url: `postgres://user:${PASSWORD}@db` }, true],
    ['is in base64', { auth: base64(PASSWORD) }, true],
    ['is in base64 with something behind it', { auth: base64(`${PASSWORD}:more`) }, true],
    ['is a number', { pin: 1234567890 }, true],
    ['is the name of a field', { [PASSWORD]: true }, true],
    ['is too short to be a secret', { port: 5432, tier: 'web' }, false],
    ['is only begun', { text: PASSWORD.slice(0, -1) }, false],
  ] as const)
    it(`${expected ? 'marks' : 'leaves'} an object where it ${what}`, async () =>
      assert.equal(await marked(object('Ingress', { spec })), expected));

  it('is a Secret’s own content', async () => {
    const secret = object('Secret', { stringData: { password: PASSWORD } });
    assert.deepEqual(await markHolders([secret], secrets), [secret]);
  });

  it('is refused in what is recorded with releases, and in names, and only its place is named', async () => {
    const refused = (given: KubeObject, says: RegExp) =>
      assert.rejects(
        markHolders([given], secrets),
        (e: ReasonError) => e.code === 'SecretExposed' && says.test(e.message) && !e.message.includes(PASSWORD),
      );
    await refused(
      object('Deployment', { spec: { args: [PASSWORD] } }),
      /^Deployment web would hold db.password of Secret shop\/web, and is recorded/,
    );
    await refused(
      { apiVersion: 'v1', kind: 'Pod', metadata: { name: '1234567890' } },
      /^the name of a Pod holds db.pin of Secret shop\/web/,
    );
  });

  it('is shown by no condition that names hooks, and by no message about what a chart makes', () => {
    assert.deepEqual(shownOf(['Job migrate (pre-install)', `Job a (${PASSWORD})`], secrets), [
      'Job migrate (pre-install)',
      'one that has db.password of Secret shop/web in its name or annotation',
    ]);
    const told = new ReasonError('InvalidManifest', `a.yaml (Job ${PASSWORD}) has no data`);
    const error = withoutSecrets(told, secrets);
    assert.ok(error instanceof ReasonError);
    assert.equal(error.code, 'InvalidManifest');
    assert.match(error.message, /^what the chart makes can't be taken; .* db.password of Secret shop\/web$/);
    const harmless = new ReasonError('InvalidManifest', 'a.yaml has no metadata');
    assert.equal(withoutSecrets(harmless, secrets), harmless);
  });

  it('is found among thousands that begin alike, in no more time', async () => {
    const values = Array.from({ length: 5000 }, (_, i) => `password-${i}`);
    const many = secretValuesOf([{ from: 'Secret shop/web', values }]);
    const large = object('Ingress', { spec: 'password'.repeat(100_000) });
    const started = performance.now();
    await markHolders([large], many);
    assert.ok(performance.now() - started < 5_000);
    const [found] = await markHolders([object('Ingress', { spec: 'a password-4999' })], many);
    assert.equal(found?.metadata.annotations?.['metricops.dev/holds-secret'], 'true');
  });
});
