import { API_VERSION } from '../../../src/api/annotations.ts';
import { type Guardrails, guardrails, type RollbackPolicy } from '../../../src/api/rollback-policy.ts';
import { type RuleGroup, rulesFor } from '../../../src/slo/index.ts';
import { requestsObjective } from '../../../tools/demo/shop.ts';
import type { Story } from './story.ts';

/** As users write it, but with a window of five minutes instead of an hour: an alert fires when 10 % failed in it. */
export const policyOf = (
  { namespace, name }: { namespace: string; name: string },
  kind: string,
  policy: Partial<Guardrails>,
): RollbackPolicy => {
  const objective = requestsObjective({ namespace, name }, { podLabel: 'pod', factor: '10' });
  return {
    apiVersion: API_VERSION,
    kind: 'RollbackPolicy',
    metadata: { namespace, name },
    spec: {
      targetRef: { apiVersion: 'apps/v1', kind, name },
      objectives: [{ ...objective, burnWindows: [{ long: '5m', short: '15s', factor: '10', severity: 'page' }] }],
      ...guardrails.parse({ mode: 'Auto', ...policy }),
    },
  };
};

/** The alerting rules of all services that have an objective. */
export const rulesOf = (stories: readonly Story[]): RuleGroup[] =>
  stories.flatMap(({ name: namespace, services, policy }) =>
    policy === undefined
      ? []
      : Object.entries(services).map(([name, { kind = 'Deployment' }]) =>
          rulesFor(policyOf({ namespace, name }, kind, policy)),
        ),
  );
