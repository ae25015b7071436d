import type { Cli } from '../context.ts';
import { CliError } from '../io.ts';
import { plural } from '../words.ts';

/** What a check found. */
export interface Finding {
  name: string;
  /** warning: it works without, with less. */
  result: 'ok' | 'warning' | 'failed' | 'skipped';
  message: string;
  /** What to do about it. */
  next?: string;
}

/** One line for each; rejects where one failed, so that the exit code says so. */
export const printFindings = (cli: Cli, findings: readonly Finding[]): void => {
  cli.print({ checks: findings }, () => findings.map(line).join('\n'));
  const failed = findings.filter(({ result }) => result === 'failed').length;
  if (failed > 0) throw new CliError(`${plural(failed, 'check')} failed.`);
};

const MARKS = { ok: 'ok     ', warning: 'WARN   ', failed: 'FAILED ', skipped: 'skipped' } as const;

const line = ({ result, message, next }: Finding): string =>
  `${MARKS[result]}  ${message}${next === undefined ? '' : `\n         → ${next}`}`;
