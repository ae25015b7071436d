import type { ChartSpec } from '../api/helm-spec.ts';
import { ReasonError } from '../api/reason-error.ts';
import { compareVersions, versionOf, versionRange } from '../api/version-range.ts';

/** One version of a chart, which is not downloaded yet. */
export interface Found {
  version: string;
  /** SHA-256 of the archive, in hexadecimal digits, where the repository says it. */
  sha256?: string | undefined;
  /** Rejects with ReasonError. */
  download(): Promise<Buffer>;
}

/** The newest of these versions that is in the range of the chart. Throws ReasonError where none is. */
export const newestIn = <T extends { version: string }>(
  { repository, name, version }: ChartSpec,
  all: readonly T[],
): T => {
  const isWanted = versionRange(version) ?? (() => false);
  const wanted = all.flatMap((each) => {
    const parsed = versionOf(each.version);
    return parsed && isWanted(parsed) ? [{ each, parsed }] : [];
  });
  const [first, ...rest] = wanted;
  if (first) return rest.reduce((a, b) => (compareVersions(b.parsed, a.parsed) > 0 ? b : a), first).each;
  const has = all.length === 0 ? `no chart ${name}` : `no version of ${name} in ${version}, and ${all.length} others`;
  throw new ReasonError('ChartNotFound', `${repository} has ${has}; check spec.render.helm.chart`);
};
