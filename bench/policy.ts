import { API_VERSION } from '../src/api/annotations.ts';
import { PLATFORM_POLICY_NAME, type PlatformPolicy, platformPolicySpec } from '../src/api/platform-policy.ts';
import { guardrails, type RollbackPolicy } from '../src/api/rollback-policy.ts';
import { requestsObjective } from '../tools/demo/shop.ts';

/** 99 % of the requests to a Deployment's service, rolled back as often as a bench does it. */
export const policyOf = ({
  namespace,
  name,
  podLabel,
}: {
  namespace: string;
  name: string;
  /** Empty: before and after are compared, not the pods. */
  podLabel: string;
}): RollbackPolicy => ({
  apiVersion: API_VERSION,
  kind: 'RollbackPolicy',
  metadata: { namespace, name },
  spec: {
    targetRef: { apiVersion: 'apps/v1', kind: 'Deployment', name },
    objectives: [requestsObjective({ namespace, name }, { podLabel, factor: '5' })],
    // Many rollbacks in a few minutes are what the limits are there to prevent.
    ...guardrails.parse({ mode: 'Auto', cooldown: '0s', maxPerHour: 60 }),
  },
});

/** Lets all of them roll back: what the limits of the cluster are there to prevent, too. */
export const unlimited: PlatformPolicy = {
  apiVersion: API_VERSION,
  kind: 'PlatformPolicy',
  metadata: { name: PLATFORM_POLICY_NAME },
  spec: platformPolicySpec.parse({
    rollback: { maxPerHourInNamespace: 10_000, maxPerHourInCluster: 10_000, alertDelay: '0s' },
  }),
};
