import { wilson } from '../../src/judge/statistics.ts';
import { BASELINES } from './baselines.ts';
import { FAULTS } from './faults.ts';
import type { Outcome, Result } from './outcome.ts';

/** Two-sided 95 %. */
const Z = 1.96;
const WITHOUT_GUILT: readonly string[] = [
  'infrastructure',
  'infrastructureAfterRelease',
  'sharedDatabase',
  'trafficSurge',
  'noisyNeighbour',
];

export interface Rate {
  of: number;
  value: number | null;
  low: number;
  high: number;
}

const rateOf = <T>(all: readonly T[], is: (one: T) => boolean): Rate => {
  const errors = all.filter(is).length;
  return {
    of: all.length,
    value: all.length === 0 ? null : errors / all.length,
    ...wilson({ errors, total: all.length }, Z),
  };
};

/** How often some decisions were right. Rates of nothing are null. */
export const ratesOf = (results: readonly Result[], outcome: (result: Result) => Outcome = (one) => one.outcome) => {
  const isRollback = (one: Result): boolean => ['right', 'wrong', 'undue'].includes(outcome(one));
  const guilty = results.filter((one) => one.guilty);
  return {
    precision: rateOf(results.filter(isRollback), (one) => outcome(one) === 'right'),
    recall: rateOf(
      guilty.filter((one) => one.unseeable === undefined),
      (one) => outcome(one) === 'right',
    ),
    wrongTarget: rateOf(guilty, (one) => outcome(one) === 'wrong'),
    rightlyLeftAlone: rateOf(
      results.filter((one) => !one.guilty),
      (one) => outcome(one) === 'leftAlone',
    ),
  };
};

const quantile = (values: readonly number[], part: number): number | null =>
  values.toSorted((a, b) => a - b)[Math.min(values.length - 1, Math.floor(values.length * part))] ?? null;

const valuesOf = ({ precision, recall, rightlyLeftAlone }: ReturnType<typeof ratesOf>) => ({
  precision: precision.value,
  recall: recall.value,
  rightlyLeftAlone: rightlyLeftAlone.value,
});

/** What the incidents found of the rollbacks that were made, where these were followed. */
const recoveryOf = (results: readonly Result[]) => {
  const followed = results.flatMap(({ outcome, recovery }) =>
    recovery ? [{ isRight: outcome === 'right', ...recovery }] : [],
  );
  const [right, wrong] = [followed.filter((one) => one.isRight), followed.filter((one) => !one.isRight)];
  const seconds = right.filter(({ found }) => found === 'Recovered').map(({ ms }) => ms / 1000);
  return {
    n: followed.length,
    recovered: rateOf(right, ({ found }) => found === 'Recovered').value,
    /** Of those that were right. */
    misjudged: rateOf(right, ({ found }) => found === 'Misjudged').value,
    /** Of those that were wrong. */
    noticed: rateOf(wrong, ({ found }) => found === 'Misjudged').value,
    seconds: { p50: quantile(seconds, 0.5), p95: quantile(seconds, 0.95) },
    others: followed.reduce((sum, { others }) => sum + others, 0),
  };
};

export type Report = ReturnType<typeof reportOf>;

/** What `--json` prints. */
export const reportOf = (results: readonly Result[], others: readonly Result[], seconds: number) => {
  const { precision, recall, wrongTarget } = ratesOf(results);
  const byKind = (kind: string): Result[] => results.filter((one) => one.kind === kind);
  const decided = results.flatMap(({ decisionMs }) => (decisionMs === undefined ? [] : [decisionMs / 1000]));
  const infrastructure = rateOf(
    results.filter(({ kind }) => WITHOUT_GUILT.includes(kind)),
    ({ outcome }) => outcome === 'undue',
  );
  const sorted = results.toSorted((a, b) => a.effect - b.effect);
  const other = ratesOf(others);
  return {
    n: results.length,
    seconds,
    precision: precision.value,
    precisionLow: precision.low,
    recall: recall.value,
    recallLow: recall.low,
    wrongTarget: wrongTarget.value,
    wrongTargetHigh: wrongTarget.high,
    infrastructureMisjudged: infrastructure.value,
    infrastructureMisjudgedHigh: infrastructure.high,
    unseeable: results.filter((one) => one.unseeable !== undefined).length,
    decisionSeconds: { p50: quantile(decided, 0.5), p95: quantile(decided, 0.95) },
    recovery: recoveryOf(results),
    byFault: Object.fromEntries(FAULTS.map((kind) => [kind, valuesOf(ratesOf(byKind(kind)))])),
    byEffect: Array.from({ length: 10 }, (_, i) => {
      const part = sorted.slice((i * sorted.length) / 10, ((i + 1) * sorted.length) / 10);
      return { from: part[0]?.effect ?? null, ...valuesOf(ratesOf(part)) };
    }),
    otherNoise: { n: others.length, precision: other.precision.value, recall: other.recall.value },
    baselines: Object.fromEntries(
      BASELINES.map((name) => {
        const rates = ratesOf(results, ({ baselines }) => baselines[name]);
        return [name, { precision: rates.precision.value, recall: rates.recall.value }];
      }),
    ),
  };
};

/** What the figures miss, in words. A rate of nothing misses nothing. */
export const missedTargets = (report: Report): string[] => {
  const least = (name: string, value: number | null, target: number): string[] =>
    value === null || value >= target ? [] : [`${name} is ${value.toFixed(4)}, and at least ${target} is due`];
  const most = (name: string, value: number, target: number): string[] =>
    value <= target ? [] : [`${name} is ${value.toFixed(4)}, and at most ${target} is allowed`];
  return [
    ...least('precisionLow', report.precisionLow, 0.99),
    ...least('recallLow', report.recallLow, 0.97),
    ...most('wrongTargetHigh', report.wrongTargetHigh, 0.005),
    ...most('infrastructureMisjudgedHigh', report.infrastructureMisjudgedHigh, 0.005),
    ...Object.entries(report.byFault).flatMap(([kind, { precision, recall, rightlyLeftAlone }]) => [
      ...(recall === null ? [] : least(`byFault.${kind}.precision`, precision, 0.97)),
      ...least(`byFault.${kind}.recall`, recall, 0.95),
      ...least(`byFault.${kind}.rightlyLeftAlone`, rightlyLeftAlone, 0.99),
    ]),
    ...least('otherNoise.precision', report.otherNoise.precision, 0.97),
    ...least('otherNoise.recall', report.otherNoise.recall, 0.93),
  ];
};
