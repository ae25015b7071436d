import type { Incident, IncidentPhase } from '../api/incident.ts';

export interface StoryStep {
  /** RFC 3339. */
  time: string;
  /** Milliseconds since the step before it; 0 for the first. */
  afterMs: number;
  what: 'Alert' | IncidentPhase;
  /** Of a phase. */
  reason: string | undefined;
  message: string;
}

/** What came in and what was done about it, in order of time. */
export const timelineOf = ({ spec, status }: Pick<Incident, 'spec' | 'status'>): StoryStep[] => {
  const alerts = spec.evidence.map(({ receivedTime, alert, source }) => ({
    time: receivedTime,
    what: 'Alert' as const,
    reason: undefined,
    message: `${alert} received from ${source}`,
  }));
  const phases = (status?.timeline ?? []).map(({ time, phase, reason, message }) => ({
    time,
    what: phase,
    reason,
    message,
  }));
  return [...alerts, ...phases]
    .toSorted((a, b) => Date.parse(a.time) - Date.parse(b.time))
    .map((step, i, all) => ({ ...step, afterMs: Date.parse(step.time) - Date.parse(all[i - 1]?.time ?? step.time) }));
};
