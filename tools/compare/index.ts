import type { Claim, Feature, Mark, OwnClaim, TestTitle } from './types.ts';

export { features } from './features/index.ts';
export type { Claim, Feature, Mark, OwnClaim, TestTitle } from './types.ts';

/** docs/compare.md: one table an area, in the order in which the areas first appear. */
export const compare = (features: readonly Feature[]): string =>
  `${[HEAD, ...[...Map.groupBy(features, (f) => f.area)].map(section)].join('\n\n')}\n`;

const HEAD = [
  '# metricops beside Flux and Argo CD',
  '',
  'Each metricops entry names its test: `npm test` fails when that test does not pass. Flux and Argo CD entries link to their documentation; entries without a link come from their source code (Argo CD v3.5, Flux kustomize-controller; 2026) or from our own knowledge. A dash means *unknown* or *not applicable*: it does not say that the other project lacks the feature.',
].join('\n');

const section = ([area, features]: [string, Feature[]]): string =>
  [
    `## ${area}`,
    '',
    '| | Flux | Argo CD | metricops |',
    '|---|---|---|---|',
    ...features.map((f) => `| ${[f.name, peer(f.flux), peer(f.argo), own(f.ours)].map(cell).join(' | ')} |`),
  ].join('\n');

const peer = (claim: Claim | undefined): string => {
  if (!claim) return '–';
  const mark = claim.page === undefined ? claim.mark : `[${claim.mark}](${claim.page})`;
  return withNote(mark, claim.note);
};

/** No line number in the link: every edit of the test file would change this one. */
const own = (claim: OwnClaim): string =>
  claim.mark === 'no'
    ? withNote(claim.mark, claim.note)
    : `[${claim.mark}](../${claim.test.file}): “${claim.test.title}”${claim.note === undefined ? '' : `; ${claim.note}`}`;

const withNote = (mark: string, note: string | undefined): string => (note === undefined ? mark : `${mark}: ${note}`);

const cell = (text: string): string => text.replaceAll('|', '\\|').replaceAll('\n', ' ');

export interface UnprovenMark {
  /** Area and name. */
  feature: string;
  mark: Mark;
  test: TestTitle;
}

/**
 * Marks of ours that no passing test shows.
 * @param ran the test files that ran; only their features are judged. Left out: all files ran.
 */
export const unproven = (
  features: readonly Feature[],
  passed: readonly TestTitle[],
  ran?: ReadonlySet<string>,
): UnprovenMark[] => {
  const key = ({ file, title }: TestTitle): string => JSON.stringify([file, title]);
  const proofs = new Set(passed.map(key));
  return features.flatMap(({ area, name, ours }) => {
    if (ours.mark === 'no' || (ran && !ran.has(ours.test.file)) || proofs.has(key(ours.test))) return [];
    return [{ feature: `${area}: ${name}`, mark: ours.mark, test: ours.test }];
  });
};
