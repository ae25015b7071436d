import assert from 'node:assert/strict';
import { describe, it } from 'mocha';
import { openPlatform, platformPolicySpec } from '../api/platform-policy.ts';
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
    assert.equal(policyOf(undefined, objective({ mode: 'Auto' }), openPlatform).mode, 'Auto');
    assert.equal(policyOf(undefined, undefined, openPlatform).mode, 'DryRun');
  });

  it('is what the annotation says before that, where the word is known', () => {
    assert.equal(policyOf(workload('approve'), objective({ mode: 'Auto' }), openPlatform).mode, 'Approve');
    assert.equal(policyOf(workload('yes'), objective({ mode: 'Auto' }), openPlatform).mode, 'DryRun');
  });

  it("is never more than the platform's cap, not even by annotation", () => {
    const platform = capped({ maxMode: 'Approve', minCoolDown: '30m', maxPerHour: 2 });
    const policy = policyOf(workload('auto'), objective({ coolDown: '1m', maxPerHour: 9 }), platform);
    assert.deepEqual([policy.mode, policy.coolDown, policy.maxPerHour], ['Approve', '30m', 2]);
    assert.equal(policyOf(undefined, objective({ mode: 'Off' }), platform).mode, 'Off');
    assert.equal(policyOf(undefined, objective({ coolDown: '2h' }), platform).coolDown, '2h');
  });
});
