import type { Incident } from '../api/incident.ts';
import { currentOf, type ReleaseHistory, recordsOf } from '../api/release-history.ts';
import { workloadOf } from '../holds/index.ts';
import { alertedAt, type Neighbour } from '../judge/index.ts';
import { currentSince } from '../release/index.ts';
import { historyName } from '../snapshot/index.ts';
import type { Graph } from './graph.ts';
import { isClosed } from './phases.ts';

/** Burns of one cause are reported within so many milliseconds of each other: rules have different windows. */
const TOGETHER_MS = 600_000;
/** The same for one whose incident is closed: that its burn is over says less than that it began with this one. */
const AT_ONCE_MS = 300_000;
/** A release that is younger than this may have a burn of its own. */
const OLD_MS = 3_600_000;
const MAX_NEIGHBOURS = 8;

/** What of the watched copies is read. */
interface Known {
  incidents: { list(namespace?: string): readonly Incident[] };
  histories: { get(key: { namespace: string; name: string }): ReleaseHistory | undefined };
}

/**
 * Other workloads of the namespace whose alerts began at about the same time, and which had no release of their own that
 * could explain it. Those that could be guilty themselves are asked of Prometheus, before anything is rolled back. What
 * the workload depends on counts whatever it released; what depends on it burns with it, and is no evidence.
 */
export const neighboursOf = (incident: Incident, { incidents, histories }: Known, graph: Graph): Neighbour[] => {
  const { namespace = '' } = incident.metadata;
  const own = workloadOf(incident);
  const began = firstAlert(incident);
  const isRecentlyReleased = ({ spec: { workloadRef } }: Incident): boolean => {
    const history = histories.get({ namespace, name: historyName(workloadRef) });
    const current = currentOf(recordsOf(history));
    return current !== undefined && currentSince(current) > began - OLD_MS;
  };
  return incidents
    .list(namespace)
    .filter(({ metadata, spec }) => metadata.name !== incident.metadata.name && !isSameWorkload(spec, incident.spec))
    .filter((other) => Math.abs(firstAlert(other) - began) <= (isClosed(other) ? AT_ONCE_MS : TOGETHER_MS))
    .filter((other) => !graph.dependsOn(workloadOf(other), own))
    .map((other) => ({ other, isDependency: graph.dependsOn(own, workloadOf(other)) }))
    .filter(({ other, isDependency }) => isDependency || !isRecentlyReleased(other))
    .map(({ other, isDependency }) => ({
      name: other.spec.workloadRef.name,
      since: firstAlert(other),
      ...(isDependency ? { isDependency } : {}),
    }))
    .toSorted((a, b) => a.since - b.since || (a.name < b.name ? -1 : 1))
    .slice(0, MAX_NEIGHBOURS);
};

const isSameWorkload = (a: Incident['spec'], b: Incident['spec']): boolean =>
  a.workloadRef.kind === b.workloadRef.kind && a.workloadRef.name === b.workloadRef.name;

const firstAlert = ({ spec }: Incident): number => alertedAt(spec.evidence);
