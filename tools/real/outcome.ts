import { type Case, nameOf, type Skipped } from './cases.ts';

/** How a case ended. */
export type Verdict =
  /** Every object is the same in both clusters, or in neither. */
  | 'same'
  | 'differs'
  /** Neither makes an object of it. */
  | 'refused'
  /** metricops refuses it on purpose, as docs/real-repositories.md says. */
  | 'listed'
  /** It can't be built from what is there. */
  | 'skipped';

export interface Outcome {
  source: string;
  name: string;
  kind: Case['kind'];
  verdict: Verdict;
  /** Objects that are in both clusters. */
  objects: number;
  /** Objects that neither API server took. */
  refusedObjects: string[];
  /** Places that a template writes otherwise at each render. */
  random: number;
  /** Why it is none of `same`: one for each difference, or what was said. */
  why: string[];
}

export const skippedOutcome = (source: string, one: Skipped): Outcome => ({
  ...emptyOutcome(source, one),
  verdict: 'skipped',
  why: [one.skipped],
});

export const emptyOutcome = (source: string, one: Case | Skipped): Outcome => ({
  source,
  name: nameOf(one),
  kind: one.kind,
  verdict: 'same',
  objects: 0,
  refusedObjects: [],
  random: 0,
  why: [],
});

const VERDICTS: readonly Verdict[] = ['same', 'refused', 'listed', 'skipped', 'differs'];
/** Of one difference, on a screen. */
const WIDTH = 160;
const MOST = 10;

/** `same     helm       charts/web: 12 objects, 1 refused by both`, and below it what differs. */
export const linesOf = (outcome: Outcome): string[] => {
  const { verdict, kind, source, name, why } = outcome;
  const words = verdict === 'same' || verdict === 'differs' ? countsOf(outcome) : [shortened(why[0] ?? '')];
  const head = `${verdict.padEnd(8)} ${kind.padEnd(9)} ${source}/${name === '.' ? '' : name}: ${words.join(', ')}`;
  if (verdict !== 'differs') return [head];
  const rest = why.length > MOST ? [`and ${why.length - MOST} more: --json has them all`] : [];
  return [head, ...[...why.slice(0, MOST).map(shortened), ...rest].map((line) => `         ${line}`)];
};

const countsOf = ({ objects, refusedObjects, random }: Outcome): string[] => [
  count(objects, 'object'),
  ...(refusedObjects.length > 0 ? [`${refusedObjects.length} refused by both`] : []),
  ...(random > 0 ? [`${count(random, 'field')} made at random`] : []),
];

const count = (n: number, what: string): string => `${n} ${what}${n === 1 ? '' : 's'}`;

const shortened = (text: string): string => {
  const line = text.replaceAll(/\s*\n\s*/g, '; ');
  return line.length <= WIDTH ? line : `${line.slice(0, WIDTH / 2)}… ${line.slice(-WIDTH / 2)}`;
};

export const summaryOf = (outcomes: readonly Outcome[]): Record<'cases' | 'objects' | Verdict, number> => {
  const by = (verdict: Verdict): number => outcomes.filter((one) => one.verdict === verdict).length;
  const objects = outcomes.reduce((sum, one) => sum + one.objects, 0);
  const counted = Object.fromEntries(VERDICTS.map((verdict) => [verdict, by(verdict)])) as Record<Verdict, number>;
  return { cases: outcomes.length, objects, ...counted };
};

/** `31 cases, 402 objects: 25 same, 2 refused, 1 listed, 3 skipped, 0 differs` */
export const summaryLine = (outcomes: readonly Outcome[]): string => {
  const { cases, objects, ...verdicts } = summaryOf(outcomes);
  const parts = VERDICTS.map((verdict) => `${verdicts[verdict]} ${verdict}`);
  return `${count(cases, 'case')}, ${count(objects, 'object')}: ${parts.join(', ')}`;
};
