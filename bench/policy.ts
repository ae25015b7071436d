import { API_VERSION } from '../src/api/annotations.ts';
import { guardrails, type RollbackPolicy } from '../src/api/rollback-policy.ts';

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
}): RollbackPolicy => {
  const metric = `http_requests_total{namespace="${namespace}",service="${name}"`;
  return {
    apiVersion: API_VERSION,
    kind: 'RollbackPolicy',
    metadata: { namespace, name },
    spec: {
      targetRef: { apiVersion: 'apps/v1', kind: 'Deployment', name },
      objectives: [
        {
          name: 'availability',
          target: '99',
          window: '1h',
          indicator: {
            ratio: {
              errors: `sum(rate(${metric},code=~"5.."}[$window]))`,
              total: `sum(rate(${metric}}[$window]))`,
              podLabel,
            },
          },
          burnWindows: [{ long: '20s', short: '5s', factor: '5', severity: 'page' }],
        },
      ],
      // Many rollbacks in a few minutes are what the limits are there to prevent.
      ...guardrails.parse({ mode: 'Auto', cooldown: '0s', maxPerHour: 60 }),
    },
  };
};
