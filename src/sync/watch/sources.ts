import { conditionIs } from '../../api/conditions.ts';
import type { GitSync } from '../../api/gitsync.ts';
import type { PlatformPolicySpec } from '../../api/platform-policy.ts';
import type { Guard } from '../../guard.ts';
import { refusalOfSync } from '../../policy/platform.ts';
import { createSources, type Follower, type Sources, type SourcesPorts } from '../../source/heads.ts';
import type { Log, Metrics } from '../../telemetry/index.ts';
import { inputsBefore } from '../state/origin.ts';
import type { Registry } from '../state/registry.ts';

type SourceWatchPorts = Pick<SourcesPorts, 'credentials' | 'git' | 'clock' | 'random'> & {
  log: Log;
  metrics: Metrics;
  guard: Guard;
  registry: Registry;
  /** With the platform's defaults. */
  syncOf: (key: string) => GitSync | undefined;
  policy: () => PlatformPolicySpec;
  enqueue: (key: string) => void;
};

/** The repositories of the GitSyncs that may sync; a commit that changes what one of them reads sets it going. */
export const watchSources = ({
  log,
  metrics,
  guard,
  registry,
  syncOf,
  policy,
  ...ports
}: SourceWatchPorts): Sources => {
  const follow = (key: string): Follower[] => {
    const sync = syncOf(key);
    if (!sync || sync.spec.suspend || sync.metadata.deletionTimestamp !== undefined) return [];
    if (refusalOfSync(sync, policy())) return [];
    const { planned, resumed } = registry.stateIfKnown(key) ?? {};
    // What an earlier process planned from is asked for at the first look.
    const inputs = planned?.inputs ?? (resumed ? undefined : inputsBefore(sync));
    const isReady = conditionIs(sync.status?.conditions, 'Ready', 'True');
    return [{ sync, inputs, isReady }];
  };
  return createSources({
    ...ports,
    followersOf: (source) => [...registry.readersOf(source)].flatMap(follow),
    onChange: ports.enqueue,
    onUnchanged: () => metrics.syncs.inc({ result: 'unchanged' }),
    onError: (err, url) => log.error({ err, url }, 'repository poll failed'),
    onUnforeseen: (error, url) => guard.note(url, error),
  });
};
