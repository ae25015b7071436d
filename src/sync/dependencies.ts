import { conditionIs } from '../api/conditions.ts';
import type { GitSync } from '../api/gitsync.ts';
import { keyOfSync } from '../api/gitsync-names.ts';
import type { Reason } from '../api/reasons.ts';
import type { WatchCache } from '../kube/index.ts';
import type { Sources } from '../source/heads.ts';
import { cycleFrom } from './dependency-cycle.ts';
import type { Registry } from './state/registry.ts';
import type { SyncOutcome } from './status/outcome.ts';

export interface DependencyPorts {
  syncs: WatchCache<GitSync>;
  registry: Registry;
  sources: Pick<Sources, 'head' | 'holds'>;
}

/** Whether the sync has to wait for others, and how that ends this reconcile; undefined when it may go on. */
export const waitForDependencies = (sync: GitSync, ports: DependencyPorts): { outcome?: SyncOutcome } | undefined => {
  const namespace = sync.metadata.namespace ?? '';
  const problem = dependencyProblem(
    sync,
    (name) => ports.syncs.get({ namespace, name }),
    (other) => isAtHead(other, ports),
  );
  if (!problem) return undefined;
  const { behind, reason, message } = problem;
  if (!behind) return { outcome: { kind: 'failed', reason, message, permanent: reason === 'DependencyCycle' } };
  ports.registry.stateOf(keyOfSync(behind)).followers.add(keyOfSync(sync));
  return {};
};

/** Whether it was brought to where its ref stands now, and nothing of it is waited for. */
const isAtHead = (sync: GitSync, { registry, sources }: DependencyPorts): boolean => {
  const head = sources.head(sync);
  if (sync.spec.suspend || head instanceof Error) return true; // its own Ready says what there is to say
  const { planned, waitingSince } = registry.stateOf(keyOfSync(sync));
  if (!head || !planned || waitingSince) return false;
  return planned.commit === head.id || sources.holds(sync, planned.inputs);
};

export interface DependencyProblem {
  reason: Reason;
  message: string;
  /** The one that is Ready, but for an older commit. It is on its way, and its conditions may never tell of it. */
  behind?: GitSync;
}

/**
 * Why the sync has to wait for others; undefined when it may go on.
 * @param byName the GitSync of this name in the same namespace
 * @param isCurrent whether what is known of its repository is what this GitSync's Ready is about
 */
export const dependencyProblem = (
  sync: GitSync,
  byName: (name: string) => GitSync | undefined,
  isCurrent: (sync: GitSync) => boolean,
): DependencyProblem | undefined => {
  if (sync.spec.dependsOn.length === 0) return undefined;
  const cycle = cycleFrom(sync, byName);
  if (cycle) return { reason: 'DependencyCycle', message: `dependsOn is a circle: ${namesOf(cycle)}` };
  for (const { name } of sync.spec.dependsOn) {
    const other = byName(name);
    if (!other) return { reason: 'DependencyNotReady', message: `GitSync ${name} does not exist` };
    if (!conditionIs(other.status?.conditions, 'Ready', 'True'))
      return { reason: 'DependencyNotReady', message: `GitSync ${name} is not Ready` };
    if (!isCurrent(other))
      return {
        reason: 'DependencyNotReady',
        message: `GitSync ${name} is not Ready with its newest revision`,
        behind: other,
      };
  }
  return undefined;
};

const SHOWN = 10;

const namesOf = (cycle: readonly string[]): string =>
  cycle.length <= SHOWN
    ? cycle.join(' → ')
    : [...cycle.slice(0, SHOWN - 1), `… (${cycle.length - SHOWN} more)`, cycle.at(-1)].join(' → ');
