import type { Incident } from '../../src/api/incident.ts';
import type { Delivery, PlannedAlert } from './plan.ts';

/** What one posted body came to. */
export interface Posted {
  /** Status of each answer: what was answered with 503, or not at all, was posted again. */
  answers: readonly number[];
  /** From the time at which it was due to its first answer, in milliseconds; undefined: there was none. */
  ms: number | undefined;
}

/** In alerts: each counts as often as it was answered. sent = stored + unmatched + refused + lost. */
export interface Tally {
  sent: number;
  /** Answered with 200, and there in an Incident of the workload. */
  stored: number;
  /** Answered with 200, and about nothing that is there. */
  unmatched: number;
  /** Answered with 503. */
  refused: number;
  /** Never answered, answered otherwise, or not there although the answer was 200. */
  lost: number;
}

export const tallyOf = (
  deliveries: readonly Delivery[],
  posted: readonly Posted[],
  incidents: readonly Incident[],
): Tally => {
  const there = new Set(
    incidents.flatMap(({ metadata, spec }) =>
      spec.evidence.map(({ labels }) => `${metadata.namespace}/${spec.workloadRef.name} ${labels.pod}`),
    ),
  );
  const fateOf = ({ workload, labels }: PlannedAlert, status: number | undefined): keyof Tally => {
    if (status === 503) return 'refused';
    if (status !== 200) return 'lost';
    if (workload === undefined) return 'unmatched';
    return there.has(`${workload} ${labels.pod}`) ? 'stored' : 'lost';
  };
  const fates = deliveries.flatMap(({ alerts }, i) => {
    const answers = posted[i]?.answers ?? [];
    const statuses = answers.length > 0 ? answers : [undefined];
    return statuses.flatMap((status) => alerts.map((alert) => fateOf(alert, status)));
  });
  const count = (wanted: keyof Tally): number => fates.filter((fate) => fate === wanted).length;
  return {
    sent: fates.length,
    stored: count('stored'),
    unmatched: count('unmatched'),
    refused: count('refused'),
    lost: count('lost'),
  };
};
