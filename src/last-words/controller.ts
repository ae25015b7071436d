import type { Hold } from '../api/hold.ts';
import type { Incident } from '../api/incident.ts';
import type { Clock } from '../clock.ts';
import { ROLLBACK_FIRST_MS } from '../holds/index.ts';
import type { Caches } from '../incident/index.ts';
import { createOwnWrites, createWorkQueue, isConflict, isNotFound, type KubeClient, resources } from '../kube/index.ts';
import { guardOf } from '../policy/guard.ts';
import type { Log } from '../telemetry/index.ts';
import { isDue } from './due.ts';
import { keepLogs } from './keep.ts';
import { suspectPods } from './suspect-pods.ts';

export interface LastWordsPorts {
  client: KubeClient;
  caches: Caches;
  clock: Clock;
  random: () => number;
  log: Log;
}

/** Incidents whose logs are read at a time; of one namespace half as many. */
const READS = { concurrency: 4, perGroup: 2 };

/**
 * Keeps the last log lines of the pods of a rejected release before they are gone: they are read when the Hold is there,
 * beside the rollback, which waits for nothing of it. Level-triggered, once for an incident. To be run by the leader only.
 */
export const startLastWords = ({ client, caches, clock, random, log }: LastWordsPorts) => {
  const own = createOwnWrites(caches.incidents);
  const isDueNow = (incident: Incident): boolean => isDue(incident, caches.holds.list(incident.metadata.namespace));

  const work = async (key: string): Promise<undefined> => {
    const incident = own.newest(key);
    if (!incident || !isDueNow(incident) || !mayKeep(incident, caches)) return;
    const now = clock.now();
    const logs = await keepLogs(incident, suspectPods(incident, caches, now), { client, now });
    const body = { metadata: { uid: incident.metadata.uid }, status: { logs } };
    try {
      await own.send(key, () =>
        client.patch<Incident>(
          resources.incidents,
          incident.metadata,
          { type: 'merge', body },
          { subresource: 'status' },
        ),
      );
    } catch (error) {
      if (!isConflict(error) && !isNotFound(error)) throw error; // it is gone, and the Secret goes with it
    }
  };
  const queue = createWorkQueue({
    ...READS,
    clock,
    random,
    maxBackoffMs: 60_000,
    onError: (incident, err, retryInMs) => log.warn({ err, incident, retryInMs }, 'logs of pods not kept'),
    worker: work,
  });

  const onIncident = (incident: Incident | undefined, previous?: Incident): void => {
    if (!incident && previous) own.forget(previous);
    if (incident && isDueNow(incident)) queue.add(keyOf(incident), ROLLBACK_FIRST_MS);
  };
  const onHold = (hold: Hold | undefined): void => {
    if (!hold) return;
    const { namespace } = hold.metadata;
    const { kind, name } = hold.spec.workloadRef;
    for (const incident of caches.incidents.list(namespace))
      if (incident.spec.workloadRef.kind === kind && incident.spec.workloadRef.name === name) onIncident(incident);
  };
  const stops = [caches.incidents.onChange(onIncident), caches.holds.onChange(onHold)];
  for (const incident of caches.incidents.list()) onIncident(incident);

  return {
    async stop(): Promise<void> {
      for (const stop of stops) stop();
      await queue.stop();
    },
  };
};

/** The PlatformPolicy and the policy of the workload both say so. */
const mayKeep = ({ metadata: { namespace = '' }, spec: { workloadRef } }: Incident, caches: Caches): boolean => {
  const key = { ...workloadRef, namespace };
  const workload = caches.workloads[key.kind].get(key);
  const { guardrails } = guardOf(key, workload, caches.rollbackPolicies.list(namespace), caches.platform.current());
  return guardrails.evidence?.logs !== false;
};

const keyOf = ({ metadata }: Incident): string => `${metadata.namespace}/${metadata.name}`;
