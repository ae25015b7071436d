import { writeFileSync } from 'node:fs';
import { join, relative } from 'node:path';
import Mocha from 'mocha';
import type { TestTitle } from '../compare/index.ts';

const ROOT = join(import.meta.dirname, '../..');

export interface Totals {
  passed: number;
  failed: number;
  pending: number;
  /** Titles of what was skipped. */
  skipped: string[];
  /** Titles of what failed. */
  failures: string[];
  /** What passed, each with its own title and the file that it stands in. */
  passes: TestTitle[];
}

/** Mocha's spec reporter that also leaves its totals in the file that METRICOPS_REPORT names. */
export default class CountingReporter extends Mocha.reporters.Spec {
  constructor(runner: Mocha.Runner, options?: Mocha.MochaOptions) {
    super(runner, options);
    const skipped: string[] = [];
    const failed: string[] = [];
    const passed: TestTitle[] = [];
    runner.on('pending', (test) => skipped.push(test.fullTitle()));
    runner.on('fail', (test) => failed.push(test.fullTitle()));
    runner.on('pass', (test) => passed.push({ file: relative(ROOT, test.file ?? ROOT), title: test.title }));
    runner.once('end', () => {
      const { passes, failures, pending } = this.stats;
      const totals: Totals = { passed: passes, failed: failures, pending, skipped, failures: failed, passes: passed };
      const file = process.env.METRICOPS_REPORT;
      if (file !== undefined) writeFileSync(file, JSON.stringify(totals));
    });
  }
}
