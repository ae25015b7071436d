import type { IgnoreFile } from '../file-tree.ts';

/** A name, or the parts of a pattern. */
type Segment = string | readonly string[];

interface Rule {
  folder: readonly string[];
  segments: Segment[];
  /** Of a file or folder at any depth, this is the name. */
  isName: boolean;
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

/**
 * https://git-scm.com/docs/gitignore: the last rule that matches counts. No regular expression: a pattern of many stars
 * must not cost the thread.
 */
export const ignoredBy = (files: readonly IgnoreFile[]): Ignored => {
  const rules = files.flatMap(({ folder, text }) => {
    const names = folder === '.' ? [] : folder.split('/');
    return text.split(/\r?\n/).flatMap((line) => ruleOf(names, line));
  });
  return (names, isFolder) => {
    const last = rules.findLast((rule) => (isFolder || !rule.foldersOnly) && matches(rule, names));
    return last !== undefined && !last.negated;
  };
};

const ruleOf = (folder: readonly string[], line: string): Rule[] => {
  const text = line.replace(/(?<!\\)\s+$/, '');
  if (text === '' || text.startsWith('#')) return [];
  const negated = text.startsWith('!');
  const pattern = negated ? text.slice(1) : text;
  const body = pattern.replace(/\/$/, '');
  const segments = body.replace(/^\//, '').split('/').map(segmentOf);
  // Without a slash before its end it matches at every depth.
  return [{ folder, segments, isName: !body.includes('/'), foldersOnly: body !== pattern, negated }];
};

const segmentOf = (text: string): Segment =>
  text !== '**' && /[*?[\\]/.test(text) ? (text.match(/\\.|\[[!^]?\]?[^\]]*\]|./gsu) ?? []) : text;

const matches = ({ folder, segments, isName }: Rule, names: readonly string[]): boolean => {
  if (folder.some((name, i) => names[i] !== name) || names.length <= folder.length) return false;
  if (isName) return isLike(segments[0] ?? '', names.at(-1) ?? '');
  const below = folder.length === 0 ? names : names.slice(folder.length);
  if (segments.includes('**')) return matchesAll(segments, below);
  return segments.length === below.length && segments.every((segment, i) => isLike(segment, below[i] ?? ''));
};

/** `**` stands for any number of folders, at the end for at least one name. */
const matchesAll = (pattern: readonly Segment[], names: readonly string[]): boolean =>
  walk(pattern.length, names.length, {
    isStar: (i) => pattern[i] === '**',
    fits: (i, j) => isLike(pattern[i] ?? '', names[j] ?? ''),
    starTakes: pattern.at(-1) === '**' ? 1 : 0,
  });

/** `*`, `?`, `[a-z]`, `[!a]` and `\` before any of them, within one name. */
const isLike = (parts: Segment, name: string): boolean => {
  if (typeof parts === 'string') return parts === name;
  const letters = [...name];
  return walk(parts.length, letters.length, {
    isStar: (i) => parts[i] === '*',
    fits: (i, j) => isLetter(parts[i] ?? '', letters[j] ?? ''),
    starTakes: 0,
  });
};

const isLetter = (part: string, letter: string): boolean => {
  if (part === '?') return true;
  if (part.length === 2 && part.startsWith('\\')) return part[1] === letter;
  if (part.length < 3 || !part.startsWith('[')) return part === letter;
  const negated = /^\[[!^]/.test(part);
  const inside = part.slice(negated ? 2 : 1, -1);
  const ranges = inside.match(/.-.|./gsu) ?? [];
  const isIn = ranges.some((range) => {
    const [first = '', , last = first] = [...range];
    return range.length > 2 ? first <= letter && letter <= last : range === letter;
  });
  return isIn !== negated;
};

interface Walk {
  isStar(i: number): boolean;
  fits(i: number, j: number): boolean;
  /** How many the last star takes at least. */
  starTakes: number;
}

/** Matches a pattern of so many parts with so many things, of which a star takes any number; goes back to the last star. */
const walk = (parts: number, things: number, { isStar, fits, starTakes }: Walk): boolean => {
  let [i, j] = [0, 0];
  let [star, from] = [-1, 0];
  while (j < things) {
    if (i < parts && isStar(i)) {
      star = i;
      from = j + (i === parts - 1 ? starTakes : 0);
      i += 1;
      j = from;
    } else if (i < parts && fits(i, j)) {
      i += 1;
      j += 1;
    } else if (star >= 0) {
      i = star + 1;
      from += 1;
      j = from;
    } else return false;
  }
  if (j > things) return false;
  while (i < parts && isStar(i) && (i < parts - 1 || starTakes === 0)) i += 1;
  return i === parts;
};
