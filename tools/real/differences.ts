/** One place where two values differ. */
export interface Difference {
  /** JSON pointer. */
  path: string;
  ours: unknown;
  theirs: unknown;
}

const isMap = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

/** In the order of their paths. Fields that are undefined are not there; lists of different length differ as a whole. */
export const differencesBetween = (ours: unknown, theirs: unknown, path = ''): Difference[] => {
  if (Array.isArray(ours) && Array.isArray(theirs) && ours.length === theirs.length)
    return ours.flatMap((item, i) => differencesBetween(item, theirs[i], `${path}/${i}`));
  if (isMap(ours) && isMap(theirs)) {
    const names = [...new Set([...Object.keys(ours), ...Object.keys(theirs)])].toSorted();
    return names.flatMap((name) => differencesBetween(ours[name], theirs[name], `${path}/${escaped(name)}`));
  }
  return Object.is(ours, theirs) || JSON.stringify(ours) === JSON.stringify(theirs) ? [] : [{ path, ours, theirs }];
};

const escaped = (name: string): string => name.replaceAll('~', '~0').replaceAll('/', '~1');

/** Whether a place is one of these, or below one. */
export const isBelow = (path: string, places: ReadonlySet<string>): boolean =>
  [...places].some((place) => path === place || path.startsWith(`${place}/`));
