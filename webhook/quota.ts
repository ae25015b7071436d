import type { KubeObject } from '../src/api/meta.ts';
import { NAMES, totalsOf } from './amounts.ts';
import { type AdmittedPod, type Container, hasPodLevel } from './pod.ts';
import { quantity } from './quantity.ts';

interface Scope {
  scopeName: string;
  operator: string;
  values?: string[];
}

interface Quota {
  spec?: { hard?: Record<string, string>; scopes?: string[]; scopeSelector?: { matchExpressions?: Scope[] } };
  status?: { hard?: Record<string, string>; used?: Record<string, string> };
}

/** What a quota calls the amounts of a pod. */
const FIELDS = NAMES.flatMap((name) => [
  { field: name, name, which: 'request' as const },
  { field: `requests.${name}`, name, which: 'request' as const },
  { field: `limits.${name}`, name, which: 'limit' as const },
]);

/**
 * Why the ResourceQuotas of the namespace would refuse the pod with this recorder, in words; undefined where there is
 * room. Usage is what the quota controller counted last: pods that are created faster than it counts are found when
 * they are refused.
 */
export const refusedByQuota = (
  pod: AdmittedPod,
  recorder: Container,
  quotas: readonly KubeObject[],
  /** Pods of this kind that are yet to come: recorders must not use up what the last of them needs. */
  count = 1,
): string | undefined => {
  const totals = totalsOf(pod, recorder);
  const limits = hasPodLevel(pod) ? undefined : (recorder.resources?.limits ?? {});
  for (const quota of quotas as (Quota & KubeObject)[]) {
    for (const { field, name, which } of applies(quota, pod) ? FIELDS : []) {
      const words = exceeded(quota, field, (totals[name][which] ?? 0) * count);
      if (words !== undefined) return `ResourceQuota ${quota.metadata.name} ${words}`;
      if (which === 'limit' && limits && limits[name] === undefined && hardOf(quota)[field] !== undefined)
        return `ResourceQuota ${quota.metadata.name} wants ${field} of every container`;
    }
  }
  return undefined;
};

const hardOf = ({ spec, status }: Quota): Record<string, string> => status?.hard ?? spec?.hard ?? {};

const exceeded = (quota: Quota, field: string, asked: number): string | undefined => {
  const [most, used] = [hardOf(quota)[field], quota.status?.used?.[field] ?? '0'];
  if (most === undefined) return undefined;
  const fits = asked <= (quantity(most) - quantity(used)) * (1 + 1e-9);
  return fits ? undefined : `has ${used} of ${most} ${field} used`;
};

/** Whether a quota of the namespace wants every container to have a limit on CPU. */
export const wantsCpuLimit = (quotas: readonly KubeObject[]): boolean =>
  quotas.some((quota) => (quota as Quota & KubeObject).spec?.hard?.['limits.cpu'] !== undefined);

/**
 * With the recorder's requests no pod is BestEffort. A scope that is not known may apply: then there has to be room.
 */
const applies = ({ spec }: Quota, pod: AdmittedPod): boolean =>
  (spec?.scopes ?? []).every((scope) => isInScope({ scopeName: scope, operator: 'Exists' }, pod)) &&
  (spec?.scopeSelector?.matchExpressions ?? []).every((scope) => isInScope(scope, pod));

const isInScope = ({ scopeName, operator, values = [] }: Scope, { spec }: AdmittedPod): boolean => {
  const terminates = spec?.activeDeadlineSeconds !== undefined;
  const priority = spec?.priorityClassName ?? '';
  if (scopeName === 'BestEffort') return false;
  if (scopeName === 'Terminating') return terminates;
  if (scopeName === 'NotTerminating') return !terminates;
  if (scopeName !== 'PriorityClass') return true;
  if (operator === 'In') return values.includes(priority);
  if (operator === 'NotIn') return !values.includes(priority);
  return operator === 'DoesNotExist' ? priority === '' : priority !== '';
};
