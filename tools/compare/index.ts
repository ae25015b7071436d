import { type Claim, type Feature, type Mark, type OwnClaim, type Peer, peers, type TestTitle } from './types.ts';

export { features } from './features/index.ts';
export type { Claim, Feature, Mark, OwnClaim, TestTitle } from './types.ts';

/** docs/compare.md: one table an area, in the order in which the areas first appear. */
export const compare = (features: readonly Feature[]): string =>
  `${[HEAD, ...[...Map.groupBy(features, (f) => f.area)].map(section)].join('\n\n')}\n`;

const HEAD = [
  '# metricops beside Flux, Argo CD, Flagger and Argo Rollouts',
  '',
  'Compared are Flux 2.9 (kustomize-controller 1.9, helm-controller 1.6), Argo CD 3.5, Flagger 1.44 and Argo Rollouts 1.9, as of November 2026. Flagger and Argo Rollouts judge a release while it is rolled out; they have columns where that matters.',
  '',
  'Each metricops entry names its test: `npm test` fails when that test does not pass. Entries of the others link to their documentation; entries without a link come from their source code or from our own knowledge. `?` means that we do not know: it does not say that a project lacks the feature. `–` means that the question does not apply to a project.',
].join('\n');

const section = ([area, features]: [string, Feature[]]): string => {
  const columns = columnsOf(features);
  const row = (feature: Feature): string[] => [
    feature.name,
    ...columns.map((peer) => claimOf(feature[peer])),
    own(feature.ours),
  ];
  return [
    `## ${area}`,
    '',
    `| | ${[...columns.map((peer) => peers[peer]), 'metricops'].join(' | ')} |`,
    `|${'---|'.repeat(columns.length + 2)}`,
    ...features.map((feature) => `| ${row(feature).map(cell).join(' | ')} |`),
  ].join('\n');
};

/** Flux and Argo CD always; Flagger and Argo Rollouts where the area says anything about one of them. */
const columnsOf = (features: readonly Feature[]): Peer[] => {
  const all = Object.keys(peers) as Peer[];
  const released = features.some(({ flagger, rollouts }) => flagger ?? rollouts);
  return released ? all : ['flux', 'argo'];
};

const claimOf = (claim: Claim | undefined): string => {
  if (!claim) return '?';
  const mark = claim.mark === 'n/a' ? '–' : claim.mark;
  return withNote(claim.page === undefined ? mark : `[${mark}](${claim.page})`, claim.note);
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
