import assert from 'node:assert/strict';
import { describe, it } from 'mocha';
import { platformPolicySpec, unrestrictedPolicy } from '../api/platform-policy.ts';
import { rollbackPolicy, type ServiceLevelObjective } from '../api/slo.ts';
import { policyOf } from './policy.ts';

const objective = (policy: object): ServiceLevelObjective =>
  ({ spec: { policy: rollbackPolicy.parse(policy) } }) as ServiceLevelObjective;
const workload = (rollback: string) => ({
  apiVersion: 'apps/v1',
  kind: 'Deployment',
  metadata: { name: 'web', annotations: { 'metricops.dev/rollback': rollback } },
});
const capped = (rollback: object) => platformPolicySpec.parse({ rollback });

describe('what may be done to a workload', () => {
  it('is what its objective says, or the default', () => {
    assert.equal(policyOf(undefined, objective({ mode: 'Auto' }), unrestrictedPolicy).mode, 'Auto');
    assert.equal(policyOf(undefined, undefined, unrestrictedPolicy).mode, 'DryRun');
  });

  it('is what the annotation says before that, where the word is known', () => {
    assert.equal(policyOf(workload('approve'), objective({ mode: 'Auto' }), unrestrictedPolicy).mode, 'Approve');
    assert.equal(policyOf(workload('yes'), objective({ mode: 'Auto' }), unrestrictedPolicy).mode, 'DryRun');
  });

  it("is never more than the platform's cap, not even by annotation", () => {
    const platform = capped({ maxMode: 'Approve', minCooldown: '30m', maxPerHour: 2 });
    const policy = policyOf(workload('auto'), objective({ cooldown: '1m', maxPerHour: 9 }), platform);
    assert.deepEqual([policy.mode, policy.cooldown, policy.maxPerHour], ['Approve', '30m', 2]);
    assert.equal(policyOf(undefined, objective({ mode: 'Off' }), platform).mode, 'Off');
    assert.equal(policyOf(undefined, objective({ cooldown: '2h' }), platform).cooldown, '2h');
  });
});
