import type { Incident, Verdict } from '../api/incident.ts';
import { workloadOf } from '../holds/index.ts';
import { comesBefore, type Waiting, waitingFor } from './arbiter.ts';
import type { Caches } from './caches.ts';
import { type Graph, graphFrom } from './graph.ts';

type Known = Pick<Caches, 'incidents' | 'platform' | 'workloads' | 'calls'>;

/** For whom an incident waits: of its namespace, and of others where the platform lets an annotation name them. */
export const waitingAmong = (
  incident: Incident,
  { incidents, platform }: Pick<Known, 'incidents' | 'platform'>,
  graph: Graph,
): Waiting | undefined => {
  const { namespace } = incident.metadata;
  const own = workloadOf(incident);
  const known = platform.current().rollback.dependenciesAcrossNamespaces
    ? incidents.list().filter((one) => one.metadata.namespace === namespace || graph.dependsOn(own, workloadOf(one)))
    : incidents.list(namespace);
  return waitingFor(incident, known, graph);
};

/** Whether another incident has to be decided before this verdict is acted on. */
export const isHeldBack = (incident: Incident, verdict: Verdict | undefined, known: Known): boolean => {
  const waiting = waitingAmong(incident, known, graphFrom(known));
  return waiting !== undefined && verdict !== undefined && comesBefore(waiting, verdict);
};
