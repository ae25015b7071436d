import type { KubeObject } from '../src/api/meta.ts';
import type { Occurred } from '../src/api/occurrence.ts';
import type { Clock } from '../src/clock.ts';
import type { KubeClient, WatchCache } from '../src/kube/index.ts';
import type { Log, Metrics } from '../src/telemetry/index.ts';
import { createBreaker, type Opening } from './breaker.ts';
import type { AdmittedPod } from './pod.ts';
import { canBeRecreated, createRecreation } from './recreate.ts';
import { createRefusals } from './refusals.ts';
import { createStuckPods } from './stuck.ts';
import { isInjectedBy } from './trouble.ts';

export interface GuardPorts {
  client: KubeClient;
  clock: Clock;
  log: Log;
  metrics: Pick<Metrics, 'injectionStopped'>;
  occurred: Occurred;
  pods: WatchCache;
  replicaSets: WatchCache;
  namespaces: WatchCache;
  /** Only the leader deletes pods. */
  isLeading: () => boolean;
  /** Image of the recorder, by our settings. */
  image: string;
}

export interface Guard {
  /** undefined: inject. Otherwise why not, in words. A dry run is never the pod that is tried. */
  stopped(namespace: string, dryRun: boolean): string | undefined;
  /** A pod was admitted; not for dry runs. */
  admitted(pod: AdmittedPod, namespace: string, isInjected: boolean): void;
  stop(): Promise<void>;
}

const LOOK_MS = 3_000;
/** Every replica has seen the trouble by then, and none gives the new pod the recorder again. */
const RECREATE_AFTER_MS = 6_000;
/** Stuck pods that get an Event; the others have the same trouble. */
const EVENTS = 10;

/**
 * Watches what becomes of injected pods. Where the recorder keeps one from starting, or from being created, injection
 * stops in that namespace and pods that are stuck are made again without it.
 */
export const startGuard = (ports: GuardPorts): Guard => {
  const { client, clock, log, metrics, occurred, pods, image } = ports;
  const breaker = createBreaker({ clock });
  const stuckPods = createStuckPods({ clock, image });
  const refusals = createRefusals({ clock, client, replicaSets: ports.replicaSets });
  const recreate = createRecreation({ client, log });
  const ended = new AbortController();

  const opened = (namespace: string, words: string, regarding: KubeObject): void => {
    log.error({ namespace, image, words }, 'injection stopped: the recorder keeps pods from starting');
    tell(regarding, words);
  };
  const tell = (regarding: KubeObject, words: string): void => {
    const message = `The recorder ${image} keeps pods of this namespace from starting, so injection is stopped here: ${words}`;
    occurred({ regarding, severity: 'warning', reason: 'BreakerOpen', action: 'Inject', message });
  };

  const lookAtPods = async (): Promise<void> => {
    const { stuck, recording } = stuckPods.look(pods.list());
    for (const { pod, words, seenAt, isNew } of stuck) {
      const { namespace = '' } = pod.metadata;
      const failure = { words, since: seenAt, by: pod.metadata.uid ?? '' };
      if (isNew && breaker.failed(namespace, failure)) opened(namespace, words, pod);
    }
    for (const { pod, words } of stuck.filter(({ isNew }) => isNew).slice(0, EVENTS)) tell(pod, words);
    for (const { pod, seenAt } of recording) {
      const { namespace = '' } = pod.metadata;
      if (breaker.worked(namespace, seenAt))
        log.info({ namespace, image }, 'the recorder starts again: pods are injected');
    }
    if (!ports.isLeading()) return;
    const due = ({ metadata: { namespace = '' } }: KubeObject): boolean =>
      clock.now() - (breaker.opening(namespace)?.openedAt ?? Number.POSITIVE_INFINITY) >= RECREATE_AFTER_MS;
    const blocked = stuck.map(({ pod }) => pod).filter((pod) => due(pod) && canBeRecreated(pod));
    await recreate(blocked);
  };

  const lookAtRefusals = async (): Promise<void> => {
    for (const { namespace, owner, words, since, isUnrelated } of await refusals.look()) {
      if (isUnrelated) {
        if (breaker.acquit(namespace, owner.uid))
          log.info({ namespace, owner: owner.name, words }, 'refused without the recorder, too: injection goes on');
      } else if (breaker.failed(namespace, { words, since, by: owner.uid })) {
        const { apiVersion, kind, name, uid } = owner;
        opened(namespace, words, { apiVersion, kind, metadata: { namespace, name, uid } });
      }
    }
  };

  const run = async (): Promise<void> => {
    while (!ended.signal.aborted) {
      await clock.sleep(LOOK_MS, ended.signal).catch(() => {});
      for (const look of [lookAtPods, lookAtRefusals]) {
        await look().catch((error: unknown) => log.error({ err: error }, 'checking injected pods failed'));
      }
      metrics.injectionStopped.set(breaker.open((name) => ports.namespaces.get({ name }) !== undefined).length);
    }
  };
  const unsubscribe = pods.onChange((pod, previous) => {
    if (pod !== undefined && previous === undefined) refusals.arrived(pod, isInjectedBy(pod, image));
  });
  const running = run();

  return {
    stopped(namespace, dryRun) {
      const opening = breaker.opening(namespace);
      if (opening === undefined || (!dryRun && breaker.admits(namespace))) return undefined;
      return wordsOf(opening);
    },
    admitted: refusals.asked,
    async stop() {
      ended.abort();
      unsubscribe();
      await running;
    },
  };
};

const wordsOf = ({ words, retryAt }: Opening): string =>
  `${words.slice(0, 400)} (tried again at ${new Date(retryAt).toISOString()})`;
