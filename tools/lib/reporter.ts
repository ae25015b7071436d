import { writeFileSync } from 'node:fs';
import Mocha from 'mocha';

export interface Totals {
  passed: number;
  failed: number;
  pending: number;
  /** Titles of what was skipped. */
  skipped: string[];
}

/** Mocha's spec reporter that also leaves its totals in the file that METRICOPS_REPORT names. */
export default class CountingReporter extends Mocha.reporters.Spec {
  constructor(runner: Mocha.Runner, options?: Mocha.MochaOptions) {
    super(runner, options);
    const skipped: string[] = [];
    runner.on('pending', (test) => skipped.push(test.fullTitle()));
    runner.once('end', () => {
      const { passes, failures, pending } = this.stats;
      const totals: Totals = { passed: passes, failed: failures, pending, skipped };
      const file = process.env.METRICOPS_REPORT;
      if (file !== undefined) writeFileSync(file, JSON.stringify(totals));
    });
  }
}
