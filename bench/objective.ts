import { API_VERSION } from '../src/api/annotations.ts';
import type { ServiceLevelObjective } from '../src/api/slo.ts';

/** 99 % of the requests to a Deployment's service, rolled back as often as a bench does it. */
export const objectiveOf = ({
  namespace,
  name,
  podLabel,
}: {
  namespace: string;
  name: string;
  /** Empty: before and after are compared, not the pods. */
  podLabel: string;
}): ServiceLevelObjective => {
  const metric = `http_requests_total{namespace="${namespace}",service="${name}"`;
  return {
    apiVersion: API_VERSION,
    kind: 'ServiceLevelObjective',
    metadata: { namespace, name },
    spec: {
      targetRef: { kind: 'Deployment', name },
      objective: 99,
      window: '1h',
      indicator: {
        errors: `sum(rate(${metric},code=~"5.."}[$window]))`,
        total: `sum(rate(${metric}}[$window]))`,
        podLabel,
      },
      burnWindows: [{ long: '20s', short: '5s', factor: 5, severity: 'page' }],
      // Many rollbacks in a few minutes are what the limits are there to prevent.
      policy: { mode: 'Auto', cooldown: '0s', maxPerHour: 60 } as ServiceLevelObjective['spec']['policy'],
    },
  };
};
