import type { Incident } from '../api/incident.ts';
import { workloadOf } from '../holds/index.ts';
import { isOfOneCommit } from './arbiter.ts';
import type { Graph } from './graph.ts';
import { isClosed, isRollingBack, needsPerson } from './phases.ts';

/** Another workload that the commit of the suspect changed, and that burns, too. */
export interface Companion {
  incident: Incident;
  /**
   * Unjudged: its release may be found guilty in a moment. Guilty: it is going to be rolled back. RollingBack: until its
   * target is applied. Failed: its target was refused, and a person is asked.
   */
  state: 'Unjudged' | 'Guilty' | 'RollingBack' | 'Applied' | 'Failed';
  /** It depends on the workload of the incident, so it is rolled back before. */
  isFirst: boolean;
}

/** The first verdict comes within so many milliseconds, or Prometheus is slow. */
const FIRST_VERDICT_MS = 5_000;

/**
 * The workloads that go back with this one, for one commit changed all of them. Those that depend on others go first: of
 * one that is older, its callers may use what it does not have.
 *
 * @param now milliseconds since the epoch
 */
export const companionsOf = (own: Incident, incidents: readonly Incident[], graph: Graph, now: number): Companion[] =>
  incidents
    .filter((other) => other.metadata.name !== own.metadata.name && isOfOneCommit(own, other))
    .flatMap((incident) => {
      const state = stateOf(incident, now);
      return state === undefined
        ? []
        : [{ incident, state, isFirst: graph.dependsOn(workloadOf(incident), workloadOf(own)) }];
    });

/** undefined: nothing is going to be done to it. */
const stateOf = (incident: Incident, now: number): Companion['state'] | undefined => {
  const { phase, verdict, reason } = incident.status ?? {};
  if (isClosed(incident)) return undefined;
  if (phase === 'Verifying') return 'Applied';
  if (isRollingBack(incident)) return needsPerson(incident) ? 'Failed' : 'RollingBack';
  if (verdict === undefined) return isNew(incident, now) ? 'Unjudged' : undefined;
  return verdict.result === 'Guilty' && !needsPerson(incident) && reason !== 'Cooldown' ? 'Guilty' : undefined;
};

const isNew = ({ spec: { evidence } }: Incident, now: number): boolean =>
  now - Date.parse(evidence[0]?.receivedTime ?? '') < FIRST_VERDICT_MS;
