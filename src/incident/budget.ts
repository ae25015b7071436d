import type { Incident, IncidentStatus } from '../api/incident.ts';
import { isMeasured, type Objective } from '../api/rollback-policy.ts';
import { alertedAt } from '../judge/index.ts';
import { budgetSpentPercent, periodOf } from '../slo/index.ts';

/** What the worst objective lost from the first alert to the rollback, at the error ratio that the verdict found. */
export const withBudget = (
  { spec }: Incident,
  status: IncidentStatus,
  objectives: readonly Objective[],
): IncidentStatus => {
  const { closedTime, rolledBackTime, verdict } = status;
  if (closedTime === undefined || rolledBackTime === undefined) return status;
  const began = alertedAt(spec.evidence);
  const durationMs = Math.max(0, Date.parse(rolledBackTime) - began);
  const spent = objectives.filter(isMeasured).flatMap((objective) => {
    const ratio = verdict?.objectives?.find(({ name }) => name === objective.name)?.newErrorRatio;
    const errorRatio = Number(ratio);
    const target = Number(objective.target);
    return ratio === undefined
      ? []
      : [budgetSpentPercent({ errorRatio, durationMs, target, periodMs: periodOf(objective) })];
  });
  return spent.length === 0
    ? status
    : { ...status, budgetSpentPercent: String(Number(Math.max(...spent).toPrecision(3))) };
};
