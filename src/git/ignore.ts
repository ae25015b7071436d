import type { IgnoreFile } from '../file-tree.ts';
import { shortened, tooLarge } from './errors.ts';
import type { GitLimits } from './limits.ts';
import { isLike, type Price, type Segment, segmentOf, walk } from './wildcards.ts';

interface Rule {
  folder: readonly string[];
  segments: readonly Segment[];
  /** Of a file or folder at any depth, this is the name. */
  isName: boolean;
  /** It has a `**`. */
  isDeep: boolean;
  /** It matches folders only. */
  foldersOnly: boolean;
  /** It brings back what an earlier rule left out. */
  negated: boolean;
}

/**
 * Whether a folder or file is left out by itself. Of what is in a folder that is left out, nobody asks.
 * @param names of the folders on the way, and its own
 */
export type Ignored = (names: readonly string[], isFolder: boolean) => boolean;

/** What is compared, at a price. */
interface Compared extends Price {
  names: readonly string[];
}

const PATTERNS = 'the patterns of .sourceignore and spec.ignore';

/**
 * https://git-scm.com/docs/gitignore: the last rule that matches counts. No regular expression, and each step is counted:
 * a pattern of many stars, and many patterns, must not cost the thread.
 * @returns for one walk. Both throw RepositoryTooLarge.
 */
export const ignoredBy = (
  files: readonly IgnoreFile[],
  limits: Pick<GitLimits, 'ignoreRules' | 'ignoreSteps' | 'ignoreStepsOfName'>,
): Ignored => {
  const rules = rulesOf(files, limits.ignoreRules);
  let spent = 0;
  return (names, isFolder) => {
    const before = spent;
    const spend = (steps: number): void => {
      spent += steps;
      if (spent - before > limits.ignoreStepsOfName) throw tooMuchFor(names, limits.ignoreStepsOfName);
      if (spent > limits.ignoreSteps) throw tooMuchForAll(limits.ignoreSteps);
    };
    const compared = { names, lettersOf: createSplitter(spend), spend };
    const last = rules.findLast((rule) => (isFolder || !rule.foldersOnly) && matches(rule, compared));
    return last !== undefined && !last.negated;
  };
};

const tooMuchFor = (names: readonly string[], limit: number): Error =>
  tooLarge(
    `${shortened(names.join('/'))} takes more than ${limit} steps to compare with ${PATTERNS}; use fewer or simpler ones`,
  );

const tooMuchForAll = (limit: number): Error =>
  tooLarge(
    `the files of the folder take more than ${limit} steps to compare with ${PATTERNS}; use fewer or simpler ones, or a folder with fewer files`,
  );

const createSplitter = (spend: Price['spend']): Price['lettersOf'] => {
  const known = new Map<string, readonly string[]>();
  return (name) => {
    const letters = known.get(name);
    if (letters) return letters;
    spend(name.length);
    const split = [...name];
    known.set(name, split);
    return split;
  };
};

const rulesOf = (files: readonly IgnoreFile[], most: number): Rule[] => {
  const lines = files.map(({ text }) => text.split(/\r?\n/).map(trimmed).filter(isRule));
  const count = lines.reduce((sum, { length }) => sum + length, 0);
  if (count > most)
    throw tooLarge(
      `.sourceignore and spec.ignore have ${count} patterns, with those that always count; ${most} are taken`,
    );
  return files.flatMap(({ folder }, i) => {
    const names = folder === '.' ? [] : folder.split('/');
    return (lines[i] ?? []).map((line) => ruleOf(names, line));
  });
};

/** Blanks at the end count only after a backslash. */
const trimmed = (line: string): string => {
  const text = line.trimEnd();
  return text.endsWith('\\') ? line.slice(0, text.length + 1) : text;
};

const isRule = (text: string): boolean => text !== '' && !text.startsWith('#');

const ruleOf = (folder: readonly string[], text: string): Rule => {
  const negated = text.startsWith('!');
  const pattern = negated ? text.slice(1) : text;
  const body = pattern.replace(/\/$/, '');
  const segments = body.replace(/^\//, '').split('/').map(segmentOf);
  // Without a slash before its end it matches at every depth.
  const isName = !body.includes('/');
  return { folder, segments, isName, isDeep: segments.includes('**'), foldersOnly: body !== pattern, negated };
};

const matches = ({ folder, segments, isName, isDeep }: Rule, compared: Compared): boolean => {
  const { names, spend } = compared;
  spend(1 + folder.length);
  if (folder.some((name, i) => names[i] !== name) || names.length <= folder.length) return false;
  if (isName) return isLike(segments[0] ?? '', names.at(-1) ?? '', compared);
  if (!isDeep && segments.length !== names.length - folder.length) return false;
  spend(names.length);
  const below = folder.length === 0 ? names : names.slice(folder.length);
  if (isDeep) return matchesAll(segments, { ...compared, names: below });
  return segments.every((segment, i) => isLike(segment, below[i] ?? '', compared));
};

/** `**` stands for any number of folders, at the end for at least one name. */
const matchesAll = (pattern: readonly Segment[], compared: Compared): boolean =>
  walk(pattern.length, compared.names.length, {
    isStar: (i) => pattern[i] === '**',
    fits: (i, j) => isLike(pattern[i] ?? '', compared.names[j] ?? '', compared),
    starTakes: pattern.at(-1) === '**' ? 1 : 0,
    spend: compared.spend,
  });
