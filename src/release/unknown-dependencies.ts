import { annotations } from '../api/annotations.ts';
import type { Condition } from '../api/common.ts';
import { type DependencyEntry, dependencyEntries, MAX_DEPENDENCIES } from '../api/depends-on.ts';
import { describeKey, type KubeObject } from '../api/meta.ts';
import type { WorkloadKind } from '../api/workload.ts';
import type { WatchCache } from '../kube/index.ts';

/** Condition of a history whose workload says that it depends on something that is not there. */
const KNOWN = 'DependenciesKnown';

/** As many as are read. */
const MAX_NAMED = 8;

/**
 * Says which entries of metricops.dev/depends-on name nothing: a verdict could not take them into account, and nobody
 * would notice. Of another namespace nothing is said: whether the workload is there is for that namespace to show.
 *
 * @param now milliseconds since the epoch
 */
export const withUnknownDependencies = (
  conditions: readonly Condition[],
  workload: KubeObject,
  workloads: Record<WorkloadKind, WatchCache>,
  now: number,
): readonly Condition[] => {
  const others = conditions.filter(({ type }) => type !== KNOWN);
  const words = problemsOf(workload, workloads);
  if (words.length === 0) return others;
  const before = conditions.find(({ type }) => type === KNOWN);
  const more = words.length > MAX_NAMED ? `; and ${words.length - MAX_NAMED} more` : '';
  const said: Condition = {
    type: KNOWN,
    status: 'False',
    reason: 'DependencyUnknown',
    message: `${annotations.dependsOn}: ${words.slice(0, MAX_NAMED).join('; ')}${more}`,
    lastTransitionTime: before?.lastTransitionTime ?? new Date(now).toISOString(),
  };
  return [...others, said];
};

const problemsOf = (workload: KubeObject, workloads: Record<WorkloadKind, WatchCache>): string[] => {
  const entries = dependencyEntries(workload);
  const words = entries.slice(0, MAX_DEPENDENCIES).flatMap((entry) => problemOf(entry, workload, workloads) ?? []);
  const left = entries.length - MAX_DEPENDENCIES;
  return left > 0 ? [...words, `of ${entries.length} entries the first ${MAX_DEPENDENCIES} are read`] : words;
};

const problemOf = (
  { said, workload: named }: DependencyEntry,
  { metadata }: KubeObject,
  workloads: Record<WorkloadKind, WatchCache>,
): string | undefined => {
  if (!named)
    return `"${said.slice(0, 100)}" names no workload: write KIND/NAME or NAMESPACE/KIND/NAME, as deployment/db`;
  if (named.namespace !== metadata.namespace || workloads[named.kind].get(named)) return undefined;
  return `${describeKey(named)} does not exist`;
};
