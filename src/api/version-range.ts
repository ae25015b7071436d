// Versions and ranges of them as Flux takes them: https://github.com/Masterminds/semver#checking-version-constraints

export interface Version {
  /** major, minor, patch. */
  core: readonly [number, number, number];
  /** Identifiers of a pre-release; none for a release. */
  pre: readonly string[];
}

/** Whether a version is in the range. */
export type VersionRange = (version: Version) => boolean;

const VERSION =
  /^v?(0|[1-9]\d{0,14})\.(0|[1-9]\d{0,14})\.(0|[1-9]\d{0,14})(?:-([0-9A-Za-z.-]+))?(?:\+[0-9A-Za-z.-]+)?$/;

/** A label, and `status.appliedChart`, have no room for more. */
const LONGEST = 128;

/** The version that a tag names, with or without `v`; undefined where it names none. */
export const versionOf = (tag: string): Version | undefined => {
  if (tag.length > LONGEST) return undefined;
  const [, major, minor, patch, pre] = VERSION.exec(tag) ?? [];
  if (major === undefined) return undefined;
  return { core: [Number(major), Number(minor), Number(patch)], pre: pre?.split('.') ?? [] };
};

/** Negative where the first comes before the second: https://semver.org/#spec-item-11 */
export const compareVersions = (a: Version, b: Version): number => {
  for (const [i, number] of a.core.entries()) if (number !== b.core[i]) return number - (b.core[i] ?? 0);
  if (a.pre.length === 0 || b.pre.length === 0) return b.pre.length - a.pre.length;
  for (const [i, id] of a.pre.entries()) {
    const other = b.pre[i];
    if (other === undefined) return 1;
    if (id !== other) return compareIdentifiers(id, other);
  }
  return a.pre.length - b.pre.length;
};

const compareIdentifiers = (a: string, b: string): number => {
  const [left, right] = [a, b].map((id) => (/^\d+$/.test(id) ? Number(id) : undefined));
  if (left !== undefined && right !== undefined) return left - right;
  if (left !== undefined || right !== undefined) return left === undefined ? 1 : -1;
  return a < b ? -1 : 1;
};

/** Of `^1.2`, `~1.2.3`, `1.x`, `>=1.0.0 <2.0.0`, `1.2 - 1.4`, and several of them with `||`; undefined where it is none. */
export const versionRange = (text: string): VersionRange | undefined => {
  const alternatives = text.split('||').map(allOf);
  if (!alternatives.every((each) => each !== undefined)) return undefined;
  return (version) => alternatives.some((range) => range(version));
};

const allOf = (text: string): VersionRange | undefined => {
  const joined = text
    .replaceAll(/(\S+)\s+-\s+(\S+)/g, '>=$1 <=$2')
    .replaceAll(/([<>=~^!]+)\s+/g, '$1')
    .trim();
  const parts = joined.split(/[\s,]+/).map(comparison);
  if (joined === '' || !parts.every((each) => each !== undefined)) return undefined;
  const takesPre = parts.some((part) => part.namesPre);
  return (version) => (takesPre || version.pre.length === 0) && parts.every(({ matches }) => matches(version));
};

const COMPARISON =
  /^(=|!=|>|>=|=>|<|<=|=<|~|~>|\^)?v?(\d{1,15}|[xX*])(?:\.(\d{1,15}|[xX*]))?(?:\.(\d{1,15}|[xX*]))?(?:-([0-9A-Za-z.-]+))?(?:\+[0-9A-Za-z.-]+)?$/;

interface Comparison {
  matches: VersionRange;
  /** It has a pre-release: without one in a range, none is in it. */
  namesPre: boolean;
}

const comparison = (text: string): Comparison | undefined => {
  const match = COMPARISON.exec(text);
  if (!match) return undefined;
  const [, operator = '=', major, minor, patch, pre] = match;
  const numbers = [major, minor, patch].map((part) =>
    part === undefined || /[xX*]/.test(part) ? undefined : Number(part),
  );
  const given = numbers.includes(undefined) ? numbers.indexOf(undefined) : numbers.length;
  const from: Version = {
    core: [numbers[0] ?? 0, numbers[1] ?? 0, numbers[2] ?? 0],
    pre: given === numbers.length ? (pre?.split('.') ?? []) : [],
  };
  return { matches: compared(operator, from, given), namesPre: pre !== undefined };
};

/** @param given how many numbers were written */
const compared = (operator: string, from: Version, given: number): VersionRange => {
  const isFrom = (version: Version): boolean => compareVersions(version, from) >= 0;
  const isBefore = (end: Version | undefined) => (version: Version) =>
    end === undefined || compareVersions(version, end) < 0;
  const within =
    (end: Version | undefined): VersionRange =>
    (version) =>
      isFrom(version) && isBefore(end)(version);
  const isExact = given === from.core.length;
  const same: VersionRange = isExact
    ? (version) => compareVersions(version, from) === 0
    : within(after(from, given - 1));
  switch (operator) {
    case '!=':
      return (version) => !same(version);
    case '>=':
    case '=>':
      return isFrom;
    case '<':
      return (version) => !isFrom(version);
    case '>':
      return (version) => isFrom(version) && !same(version);
    case '<=':
    case '=<':
      return (version) => !isFrom(version) || same(version);
    case '~':
    case '~>':
      return within(after(from, Math.min(given - 1, 1)));
    case '^': {
      const first = from.core.findIndex((number) => number > 0);
      return within(after(from, Math.min(first < 0 ? 2 : first, given - 1)));
    }
    default:
      return same;
  }
};

/** The first version in which this number is greater by one; undefined for a number before the first: there is no end. */
const after = ({ core }: Version, index: number): Version | undefined => {
  if (index < 0) return undefined;
  const next = core.map((number, i) => (i < index ? number : i === index ? number + 1 : 0));
  return { core: [next[0] ?? 0, next[1] ?? 0, next[2] ?? 0], pre: [] };
};
