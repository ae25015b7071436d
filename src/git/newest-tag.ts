import { compareVersions, versionOf, versionRange } from '../api/version-range.ts';

/** The tag with the newest version in the range; of two with the same version, the first by name. */
export const newestTag = (tags: Iterable<string>, range: string): string | undefined => {
  const isIn = versionRange(range);
  if (!isIn) return undefined;
  const known = [...tags].toSorted().flatMap((tag) => {
    const version = versionOf(tag);
    return version && isIn(version) ? [{ tag, version }] : [];
  });
  const [first] = known.toSorted((a, b) => compareVersions(b.version, a.version));
  return first?.tag;
};
