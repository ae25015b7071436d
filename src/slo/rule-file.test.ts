import assert from 'node:assert/strict';
import { describe, it } from 'mocha';
import { namespaceOfRule } from './rule-file.ts';

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
