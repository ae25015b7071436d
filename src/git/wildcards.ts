/** With wildcards. */
interface Pattern {
  parts: readonly string[];
  /** Before the first wildcard, and after the last one. */
  head: string;
  tail: string;
}

/** A name, or what it is like. */
export type Segment = string | Pattern;

/** Comparing has its price. */
export interface Price {
  /** Of a name, split once. */
  lettersOf(name: string): readonly string[];
  /** Throws when that is too much. */
  spend(steps: number): void;
}

export const segmentOf = (text: string): Segment => {
  if (text === '**' || !/[*?[\\]/.test(text)) return text;
  const parts = partsOf(text);
  const first = parts.findIndex(isWildcard);
  if (first < 0) return text;
  const last = parts.findLastIndex(isWildcard);
  return { parts, head: parts.slice(0, first).join(''), tail: parts.slice(last + 1).join('') };
};

/** A bracket that nothing closes is a letter. */
const partsOf = (text: string): string[] => {
  const closed = text.lastIndexOf(']') + 1;
  return [
    ...(text.slice(0, closed).match(/\\.|\[[!^]?\]?[^\]]*\]|./gsu) ?? []),
    ...(text.slice(closed).match(/\\.|./gsu) ?? []),
  ];
};

/** Or a letter after a backslash. */
const isWildcard = (part: string): boolean => part === '*' || part === '?' || /^[\\[]./su.test(part);

/** `*`, `?`, `[a-z]`, `[!a]` and `\` before any of them, within one name. */
export const isLike = (segment: Segment, name: string, { lettersOf, spend }: Price): boolean => {
  if (typeof segment === 'string') return segment === name;
  const { parts, head, tail } = segment;
  if (!name.startsWith(head) || !name.endsWith(tail)) return false;
  const letters = lettersOf(name);
  return walk(parts.length, letters.length, {
    isStar: (i) => parts[i] === '*',
    fits(i, j) {
      const part = parts[i] ?? '';
      spend(part.length);
      return isLetter(part, letters[j] ?? '');
    },
    starTakes: 0,
    spend,
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
  spend: Price['spend'];
}

/** Matches a pattern of so many parts with so many things, of which a star takes any number; goes back to the last star. */
export const walk = (parts: number, things: number, { isStar, fits, starTakes, spend }: Walk): boolean => {
  let [i, j] = [0, 0];
  let [star, from] = [-1, 0];
  while (j < things) {
    spend(1);
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
  spend(parts - i);
  while (i < parts && isStar(i) && (i < parts - 1 || starTakes === 0)) i += 1;
  return i === parts;
};
