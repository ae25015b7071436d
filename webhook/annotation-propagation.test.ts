import assert from 'node:assert/strict';
import { describe, it } from 'mocha';
import { applyPatch } from '../test/support/json-patch.ts';
import { type AdmittedWorkload, carryPatch, type ManagedFields } from './annotation-propagation.ts';

const INJECT = 'metricops.dev/inject';
const said = (value: string | undefined): { annotations?: Record<string, string> } =>
  value === undefined ? {} : { annotations: { [INJECT]: value } };
const workload = (own: string | undefined, template?: string): AdmittedWorkload => ({
  metadata: said(own),
  spec: { template: { metadata: said(template) } },
});
const carried = (now: AdmittedWorkload, before?: AdmittedWorkload): string | undefined =>
  applyPatch(now, carryPatch(now, before)).spec?.template?.metadata?.annotations?.[INJECT];

describe('the opt-in of a workload', () => {
  // workload now, template now, workload before, template before → template after
  const table: [string | undefined, string | undefined, string | undefined, string | undefined][] = [
    ['true', undefined, undefined, 'true'],
    ['false', undefined, undefined, 'false'],
    ['true', 'true', 'true', 'true'],
    ['true', undefined, 'true', 'true'],
    ['false', 'true', 'true', 'false'],
    [undefined, 'true', 'true', undefined],
    [undefined, 'true', undefined, 'true'],
    ['true', 'false', undefined, 'false'],
    ['true', 'false', 'true', 'false'],
    [undefined, 'false', 'true', 'false'],
    ['maybe', undefined, undefined, undefined],
    [undefined, undefined, 'true', undefined],
  ];
  for (const [now, template, before, expected] of table) {
    const words = `workload ${before ?? '-'} → ${now ?? '-'}, template ${template ?? '-'}: ${expected ?? '-'}`;
    it(words, () => {
      const result = carried(workload(now, template), before === undefined ? undefined : workload(before, template));
      assert.equal(result, expected);
    });
  }

  it('is carried into a template without metadata', () => {
    for (const template of [{}, { metadata: null }]) {
      assert.equal(carried({ metadata: said('true'), spec: { template } }), 'true');
    }
  });

  it('changes nothing the second time', () => {
    const once = applyPatch(workload('true'), carryPatch(workload('true'), undefined));
    assert.deepEqual(carryPatch(once, workload('true')), []);
    assert.deepEqual(carryPatch(once, once), []);
  });

  describe('that the template has by itself, with the same value', () => {
    const template = { 'f:spec': { 'f:template': { 'f:metadata': { 'f:annotations': { [`f:${INJECT}`]: {} } } } } };
    const own = { 'f:metadata': { 'f:annotations': { [`f:${INJECT}`]: {} } } };
    const remaining = (managedFields: ManagedFields[]): string | undefined => {
      const before = workload('true', 'true');
      return carried(workload(undefined, 'true'), { ...before, metadata: { ...before.metadata, managedFields } });
    };

    it('stays when the workload says it no longer: the field has an owner, and was not carried', () => {
      const applied = { manager: 'flux', operation: 'Apply', fieldsV1: { ...template, ...own } };
      assert.equal(remaining([applied]), 'true');
      const annotated = { manager: 'kubectl-annotate', operation: 'Update', fieldsV1: own };
      assert.equal(remaining([{ ...applied, fieldsV1: template }, annotated]), 'true');
      assert.equal(remaining([{ manager: 'helm', operation: 'Update', fieldsV1: template }, annotated]), 'true');
    });

    it('goes where it was carried with the annotation of the one who wrote that', () => {
      assert.equal(
        remaining([{ manager: 'kubectl', operation: 'Update', fieldsV1: { ...template, ...own } }]),
        undefined,
      );
      assert.equal(remaining([{ manager: 'flux', operation: 'Apply', fieldsV1: own }]), undefined);
    });
  });
});
