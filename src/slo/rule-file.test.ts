import assert from 'node:assert/strict';
import { describe, it } from 'mocha';
import { isTrustedRuleFile, namespaceOfRule } from './rule-file.ts';

const UID = '1f0e2d3c-4b5a-6978-8796-a5b4c3d2e1f0';
const FOLDER = '/etc/prometheus/rules/prometheus-k8s-rulefiles-0';

describe('the namespace of an alerting rule', () => {
  const namespaces = ['shop', 'shop-eu', 'web'];
  for (const [what, file, expected] of [
    ['of prometheus-operator', `${FOLDER}/web-latency-${UID}.yaml`, 'web'],
    ['of prometheus-operator, two namespaces fit', `${FOLDER}/shop-eu-latency-${UID}.yaml`, undefined],
    ['of prometheus-operator, in a namespace that is gone', `${FOLDER}/gone-latency-${UID}.yaml`, undefined],
    ['by its name', '/etc/prometheus/rules/shop.yaml', 'shop'],
    ['of Mimir', 'shop-eu', 'shop-eu'],
    ['only as the beginning of a name', '/rules/web-latency.yaml', undefined],
    ['only as a folder', '/rules/web/latency.yaml', undefined],
    ['nowhere', '', undefined],
  ] as const) {
    it(`is that of its file, ${what}`, () => assert.equal(namespaceOfRule(file, namespaces), expected));
  }
});

describe('a rule that speaks against a workload of namespace shop', () => {
  const namespaces = ['shop', 'shop-eu', 'thief', 'monitoring'];
  const isTrusted = (file: string, trusted: readonly string[] = []): boolean =>
    isTrustedRuleFile(file, { namespace: 'shop', trusted, namespaces });

  it('is one of namespace shop', () => {
    assert.equal(isTrusted(`${FOLDER}/shop-latency-${UID}.yaml`), true);
    assert.equal(isTrusted('/rules/shop.yaml'), true);
  });

  it('is none of a tenant, whatever its name', () => {
    for (const name of ['shop', 'shop-latency', `shop-${UID}`])
      assert.equal(isTrusted(`${FOLDER}/thief-${name}-${UID}.yaml`), false, name);
  });

  it('is none of a namespace whose name begins like that of the workload', () =>
    assert.equal(isTrusted(`${FOLDER}/shop-eu-latency-${UID}.yaml`), false));

  it('is one of a namespace that the platform trusts, and of no other', () => {
    const file = `${FOLDER}/monitoring-general-${UID}.yaml`;
    assert.equal(isTrusted(file), false);
    assert.equal(isTrusted(file, ['monitoring']), true);
    assert.equal(isTrusted(`${FOLDER}/thief-general-${UID}.yaml`, ['monitoring']), false);
  });

  it('is none whose file says nothing', () => assert.equal(isTrusted('', ['']), false));
});
