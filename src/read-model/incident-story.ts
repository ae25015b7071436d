import { messageWhileTrue } from '../api/conditions.ts';
import type { Evidence, Incident, ObjectiveVerdict, Verdict } from '../api/incident.ts';
import type { ReleaseHistory, ReleaseImage } from '../api/release-history.ts';
import type { RollbackMode } from '../api/rollback-policy.ts';
import { type IncidentSummary, incidentSummary } from './incident.ts';
import { type NextStep, nextStepOf } from './next-step.ts';
import { releaseNumbered } from './release.ts';
import { type StoryStep, timelineOf } from './timeline.ts';

/** A release as an incident names it. */
interface NamedRelease {
  number: number;
  /** undefined where the history no longer has the release. */
  images: readonly ReleaseImage[] | undefined;
}

/** The whole story of an incident. */
export interface IncidentView extends Omit<IncidentSummary, 'suspect' | 'verdict'> {
  suspect:
    | (NamedRelease & {
        commit: string | undefined;
        /** How long before the incident the release was first seen, in milliseconds; undefined where it was not before. */
        leadMs: number | undefined;
      })
    | undefined;
  verdict: (Pick<Verdict, 'result' | 'reason' | 'message'> & { objectives: ObjectiveView[] }) | undefined;
  /** Of the policy when it was judged. */
  mode: RollbackMode | undefined;
  /** What is rolled back to; with the name of the Hold where it is written. */
  rollback: (NamedRelease & { hold: string | undefined }) | undefined;
  budgetSpentPercent: number | undefined;
  /** Why the controller can not go on with it; undefined while it can. */
  stalled: string | undefined;
  next: NextStep | undefined;
  /** Of the pods of the suspect; undefined as long as they were not read. */
  logs: { message: string; secret: string | undefined } | undefined;
  evidence: readonly Evidence[];
  /** More alerts were sent than are listed. */
  isTruncated: boolean;
  timeline: StoryStep[];
}

export interface ObjectiveView extends Pick<ObjectiveVerdict, 'name' | 'result' | 'reason' | 'message' | 'query'> {
  /** What was measured of the release under suspicion. */
  suspect: Side | undefined;
  /** What was measured of the release before it. */
  before: Side | undefined;
  /** What speaks against the release (points above 0) and for it (below); none where nothing was weighed. */
  findings: Pick<NonNullable<ObjectiveVerdict['evidence']>[number], 'name' | 'points' | 'message'>[];
  /** The sum of the points, and how many make the release Guilty. */
  score: { points: number; needed: number | undefined } | undefined;
}

export interface Side {
  /** Bad events as a part of all, 0 to 1. */
  errorRatio: number;
  requests: number | undefined;
}

export const incidentView = (incident: Incident, history: ReleaseHistory | undefined): IncidentView => {
  const { spec, status } = incident;
  return {
    ...incidentSummary(incident),
    suspect: suspectOf(incident, history),
    verdict: status?.verdict && verdictOf(status.verdict),
    mode: status?.mode,
    rollback: status?.target && { ...named(status.target.number, history), hold: status.holdRef?.name },
    budgetSpentPercent: numberOf(status?.budgetSpentPercent),
    stalled: messageWhileTrue(incident, 'Stalled'),
    next: nextStepOf(incident),
    logs: status?.logs && { message: status.logs.message, secret: status.logs.secretRef?.name },
    evidence: spec.evidence,
    isTruncated: spec.truncated === true,
    timeline: timelineOf(incident),
  };
};

const named = (number: number, history: ReleaseHistory | undefined): NamedRelease => ({
  number,
  images: releaseNumbered(history, number)?.images,
});

const suspectOf = ({ spec, metadata }: Incident, history: ReleaseHistory | undefined): IncidentView['suspect'] => {
  if (spec.suspect === undefined) return undefined;
  const { number, commit } = spec.suspect;
  const firstSeen = Date.parse(releaseNumbered(history, number)?.firstSeenTime ?? '');
  const leadMs = Date.parse(metadata.creationTimestamp ?? '') - firstSeen;
  return { ...named(number, history), commit, leadMs: leadMs >= 0 ? leadMs : undefined };
};

const verdictOf = ({ result, reason, message, objectives = [] }: Verdict): IncidentView['verdict'] => ({
  result,
  reason,
  message,
  objectives: objectives.map((one) => ({
    name: one.name,
    result: one.result,
    reason: one.reason,
    message: one.message,
    ...(one.query === undefined ? {} : { query: one.query }),
    suspect: sideOf(one.newErrorRatio, one.newRequests),
    before: sideOf(one.oldErrorRatio, one.oldRequests),
    findings: one.evidence ?? [],
    score: one.score === undefined ? undefined : { points: one.score, needed: one.measured?.minScore },
  })),
});

const sideOf = (ratio: string | undefined, requests: string | undefined): Side | undefined =>
  ratio === undefined ? undefined : { errorRatio: Number(ratio), requests: numberOf(requests) };

const numberOf = (text: string | undefined): number | undefined => (text === undefined ? undefined : Number(text));
