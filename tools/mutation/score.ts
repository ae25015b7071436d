import type { Mutant } from './run.ts';

export interface Score {
  /** Percent of the mutants that a test noticed, to two decimals. 100 where there is none. */
  score: number;
  mutants: number;
  survived: number;
  /** Left out by a comment in the source. */
  ignored: number;
}

const NOTICED: readonly Mutant['status'][] = ['Killed', 'Timeout'];
const SURVIVED: readonly Mutant['status'][] = ['Survived', 'NoCoverage'];

export const isSurvivor = ({ status }: Mutant): boolean => SURVIVED.includes(status);

/** Mutants of an excluded kind count nowhere, nor do those that made no program. */
export const scoreOf = (mutants: readonly Mutant[]): Score => {
  const noticed = mutants.filter(({ status }) => NOTICED.includes(status)).length;
  const survived = mutants.filter(isSurvivor).length;
  const all = noticed + survived;
  return {
    score: all === 0 ? 100 : Math.floor((10_000 * noticed) / all) / 100,
    mutants: all,
    survived,
    ignored: mutants.filter(isDisabled).length,
  };
};

/** Stryker ignores mutants of excluded kinds, too: those have a reason of its own making. */
const isDisabled = ({ status, statusReason = '' }: Mutant): boolean =>
  status === 'Ignored' && !statusReason.startsWith('Ignored because of excluded mutation');

/**
 * `src/x.ts:3:7 a > b → a >= b`, the most interesting lines of each.
 *
 * @param source the text of the mutant's file
 */
export const describe = ({ fileName, location, replacement = '' }: Mutant, source: string): string => {
  const { start, end } = location;
  const lines = source.split('\n').slice(start.line - 1, end.line);
  const original = lines
    .map((line, i) => line.slice(i === 0 ? start.column - 1 : 0, i === lines.length - 1 ? end.column - 1 : undefined))
    .join('\n');
  return `${fileName}:${start.line}:${start.column} ${short(original)} → ${short(replacement)}`;
};

const short = (code: string): string => {
  const line = code.replaceAll(/\s+/g, ' ');
  return line.length > 100 ? `${line.slice(0, 60)} … ${line.slice(-30)}` : line;
};
