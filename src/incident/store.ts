import type { Incident } from '../api/incident.ts';
import { recordsOf } from '../api/release-history.ts';
import { workloadString } from '../api/workload.ts';
import type { Clock } from '../clock.ts';
import { createFairSemaphore } from '../fair-semaphore.ts';
import { isConflict, type KubeClient, resources } from '../kube/index.ts';
import { historyName } from '../snapshot/index.ts';
import { createBatches } from './batches.ts';
import type { Caches } from './caches.ts';
import { type Group, type Place, placeOf } from './place.ts';

export interface StorePorts {
  client: KubeClient;
  caches: Caches;
  clock: Clock;
  random: () => number;
  /** Told of every incident that was written, so that the leader need not wait for its watch. */
  onIncident: (incident: Incident) => void;
}

const TRIES = 20;
/** Workloads whose alerts are stored at a time, and of one namespace. */
const WRITES = { slots: 16, perGroup: 4 };

/**
 * Stores what deliveries say about workloads: one write for each delivery and incident, and none where they say nothing
 * new. What comes while the alerts of a workload are stored is stored together. Rejects when it can't be stored.
 */
export const createStore = (ports: StorePorts): ((group: Group) => Promise<Place['do']>) => {
  const { caches, client, clock } = ports;
  /** As this replica wrote or read them, for as long as the watch has said nothing newer. */
  const seen = new Map<string, Incident>();
  caches.incidents.onChange((incident, previous) => {
    const changed = incident ?? previous;
    if (changed) seen.delete(keyOf(changed));
  });
  const incidentsIn = (namespace: string): Incident[] => {
    const newer = [...seen.values()].filter(({ metadata }) => metadata.namespace === namespace);
    return [...caches.incidents.list(namespace).filter((i) => !seen.has(keyOf(i))), ...newer];
  };
  const place = (group: Group): Place => {
    const { namespace } = group.match.workload;
    const history = caches.histories.get({ namespace, name: historyName(group.match.workload) });
    const stored = {
      incidents: incidentsIn(namespace),
      holds: caches.holds.list(namespace),
      history: recordsOf(history),
    };
    return placeOf(group, stored, clock.now());
  };
  const write = async (to: Extract<Place, { incident: Incident }>): Promise<void> => {
    const { metadata, spec } = to.incident;
    const { evidence, truncated } = spec;
    const body = {
      metadata: { resourceVersion: metadata.resourceVersion },
      spec: { evidence, ...(truncated === undefined ? {} : { truncated }) },
    };
    const written =
      to.do === 'create'
        ? await client.create<Incident>(resources.incidents, to.incident)
        : await client.patch<Incident>(resources.incidents, metadata, { type: 'merge', body });
    seen.set(keyOf(written), written);
    ports.onIncident(written);
  };

  /** Compare-and-set: where somebody was faster, what is there is read, and the question asked again. */
  const store = async (group: Group): Promise<Place['do']> => {
    for (let i = 0; i < TRIES; i += 1) {
      const to = place(group);
      if (!('incident' in to)) return to.do;
      try {
        await write(to);
        return to.do;
      } catch (error) {
        if (!isConflict(error)) throw error;
        const other = await client.get<Incident>(resources.incidents, to.incident.metadata);
        if (other) seen.set(keyOf(other), other);
        else seen.delete(keyOf(to.incident));
        if (i > 0) await clock.sleep(ports.random() * Math.min(5 * 2 ** i, 100)); // replicas that all come at once
      }
    }
    throw new Error(`not stored after ${TRIES} tries: somebody else writes the incident all the time`);
  };

  const turns = createFairSemaphore(WRITES);
  const batches = createBatches<Group, Place['do']>(([first, ...more]) => {
    const groups = [first, ...more];
    const alerts = groups.flatMap((group) => group.alerts);
    const truncated = groups.some((group) => group.truncated);
    return turns(first.match.workload.namespace, () => store({ match: first.match, alerts, truncated }));
  });
  return async (group) => {
    // What says nothing new waits for nobody's write.
    const { do: what } = place(group);
    return what === 'known' ? what : batches(workloadString(group.match.workload), group);
  };
};

const keyOf = ({ metadata }: Incident): string => `${metadata.namespace}/${metadata.name}`;
