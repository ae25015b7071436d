import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { describe, it } from 'mocha';
import type { KubeObject } from '../../api/meta.ts';
import { ReasonError } from '../../api/reason-error.ts';
import { markHolders, secretValuesOf, shownOf, withoutSecrets } from './secret-values.ts';

const PASSWORD = 'correct horse battery staple';
const secrets = await secretValuesOf([
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

  it('is shown by no condition that names hooks, and by no message about what a chart makes', async () => {
    assert.deepEqual(await shownOf(['Job migrate (pre-install)', `Job a (${PASSWORD})`], secrets), [
      'Job migrate (pre-install)',
      'one that has db.password of Secret shop/web in its name or annotation',
    ]);
    const told = new ReasonError('InvalidManifest', `a.yaml (Job ${PASSWORD}) has no data`);
    const error = await withoutSecrets(told, secrets);
    assert.ok(error instanceof ReasonError);
    assert.equal(error.code, 'InvalidManifest');
    assert.match(error.message, /^what the chart makes can't be taken; .* db.password of Secret shop\/web$/);
    const harmless = new ReasonError('InvalidManifest', 'a.yaml has no metadata');
    assert.equal(await withoutSecrets(harmless, secrets), harmless);
  });

  it('is found among thousands that begin alike', async () => {
    const values = Array.from({ length: 5000 }, (_, i) => `password-${i}`);
    const many = await secretValuesOf([{ from: 'Secret shop/web', values }]);
    const large = object('Ingress', { spec: 'password'.repeat(100_000) });
    await markHolders([large], many);
    const [found] = await markHolders([object('Ingress', { spec: 'a password-4999' })], many);
    assert.equal(found?.metadata.annotations?.['metricops.dev/holds-secret'], 'true');
  });

  it('is found whole, however long it is, and not where only much of it stands', async () => {
    const long = randomBytes(30_000).toString('hex');
    const values = await secretValuesOf([{ from: 'Secret shop/web', values: { key: long } }]);
    assert.equal(await values.find(`key: ${long};`), 'key of Secret shop/web');
    assert.equal(await values.find(base64(`${long}:more`)), 'key of Secret shop/web');
    assert.equal(await values.find(long.slice(0, -1)), undefined);
  });

  it('of many like characters is compared only so often in a text of many more: then its beginning counts', async () => {
    const values = await secretValuesOf([{ from: 'Secret shop/web', values: { a: `${'a'.repeat(60_000)}b` } }]);
    assert.equal(await values.find('a'.repeat(1000)), undefined);
    assert.equal(await values.find('a'.repeat(1_000_000)), 'a of Secret shop/web');
  });

  it('is looked for in stretches, between which others have their turn', async () => {
    let breaths = 0;
    const breathe = async (): Promise<void> => {
      breaths += 1;
    };
    const values = await secretValuesOf([{ from: 'Secret shop/web', values: { password: PASSWORD } }], breathe);
    breaths = 0;
    await markHolders([object('Ingress', { spec: 'x'.repeat(1_000_000) })], values);
    assert.ok(breaths > 10, `${breaths}`);
  });
});
