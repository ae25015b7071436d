import type { Report } from './tally.ts';

const share = (value: number | null): string => (value === null ? '–' : value.toFixed(3)).padStart(9);

/** For people. */
export const tableOf = (report: Report, missed: readonly string[]): string => {
  const row = (name: string, { precision, recall, rightlyLeftAlone }: Report['byFault'][string]): string =>
    `${name.padEnd(28)}${share(precision)}${share(recall)}${share(rightlyLeftAlone)}`;
  const { p50, p95 } = report.decisionSeconds;
  const { recovery } = report;
  return [
    `${'class'.padEnd(28)}precision   recall  left alone`,
    ...Object.entries(report.byFault).map(([kind, rates]) => row(kind, rates)),
    '',
    `${'effect from'.padEnd(28)}precision   recall  left alone`,
    ...report.byEffect.map(({ from, ...rates }) => row(`${from?.toPrecision(3)} × threshold`, rates)),
    '',
    ...Object.entries(report.baselines).map(([name, rates]) =>
      row(`baseline ${name}`, { ...rates, rightlyLeftAlone: null }),
    ),
    row('other noise', { ...report.otherNoise, rightlyLeftAlone: null }),
    '',
    `${report.n} incidents in ${report.seconds} s, ${report.unseeable} of them unseeable; decided after ${p50} s (p50), ${p95} s (p95)`,
    `precision ${share(report.precision).trim()} (low ${report.precisionLow.toFixed(3)}), recall ${share(report.recall).trim()} (low ${report.recallLow.toFixed(3)})`,
    `wrong target ${share(report.wrongTarget).trim()} (high ${report.wrongTargetHigh.toFixed(3)}), infrastructure misjudged ${share(report.infrastructureMisjudged).trim()} (high ${report.infrastructureMisjudgedHigh.toFixed(3)})`,
    `of ${recovery.n} rollbacks that were followed, of the right ones ${share(recovery.recovered).trim()} recovered, after ${recovery.seconds.p50} s (p50), ${recovery.seconds.p95} s (p95), and ${share(recovery.misjudged).trim()} were called wrong; of the wrong ones ${share(recovery.noticed).trim()} were; ${recovery.others} rollbacks of others meanwhile`,
    ...missed.map((each) => `missed: ${each}`),
    '',
  ].join('\n');
};
