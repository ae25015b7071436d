import type { WorkloadRef } from '../api/workload.ts';

const SECOND = 1000;
const MINUTE = 60 * SECOND;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;

/** A length of time in two units at most, as kubectl says ages: 45s, 3m20s, 5h10m, 12d. */
export const span = (ms: number): string => {
  const of = (unit: number): number => Math.floor(ms / unit);
  const rest = (unit: number, within: number): number => Math.floor((ms % within) / unit);
  const two = (big: string, small: number, letter: string): string => (small === 0 ? big : `${big}${small}${letter}`);
  if (ms < 2 * MINUTE) return `${Math.max(0, of(SECOND))}s`;
  if (ms < 10 * MINUTE) return two(`${of(MINUTE)}m`, rest(SECOND, MINUTE), 's');
  if (ms < 3 * HOUR) return `${of(MINUTE)}m`;
  if (ms < 8 * HOUR) return two(`${of(HOUR)}h`, rest(MINUTE, HOUR), 'm');
  if (ms < 2 * DAY) return `${of(HOUR)}h`;
  if (ms < 8 * DAY) return two(`${of(DAY)}d`, rest(HOUR, DAY), 'h');
  return `${of(DAY)}d`;
};

/** Time since; undefined where there is no time. */
export const age = (time: string | undefined, now: number): string | undefined =>
  time === undefined ? undefined : span(now - Date.parse(time));

/** A leg of a timeline: 0.4s, 12.1s, then as `span`. */
export const leg = (ms: number): string => (ms < 2 * MINUTE ? `${(ms / 1000).toFixed(1)}s` : span(ms));

export const percent = (ratio: number): string => `${(ratio * 100).toFixed(ratio < 0.01 ? 2 : 1)} %`;

export const shortCommit = (commit: string | undefined): string | undefined => commit?.slice(0, 8);

/** `main@0123456789abcdef...` → `main@01234567`. */
export const shortRevision = (revision: string | undefined): string | undefined =>
  revision?.replace(/@([0-9a-f]{8})[0-9a-f]+$/, '@$1');

/** `v1:0123...` → `v1:01234567`. */
export const shortDigest = (digest: string | undefined): string | undefined =>
  digest?.replace(/:([0-9a-f]{8})[0-9a-f]+$/, ':$1');

export const workloadWords = (workload: WorkloadRef): string => `${workload.kind.toLowerCase()}/${workload.name}`;

/** Images without a registry path, one after the other: `web:v2, proxy:1.3`. */
export const imagesOf = (release: { images: readonly { image: string }[] }): string =>
  release.images.map(({ image }) => image.slice(image.lastIndexOf('/') + 1)).join(', ');

export const plural = (count: number, one: string, many = `${one}s`): string => `${count} ${count === 1 ? one : many}`;

/** `namespace="shop", severity="page"` */
export const labelsWords = (labels: Readonly<Record<string, string>>): string =>
  Object.entries(labels)
    .map(([name, value]) => `${name}=${JSON.stringify(value)}`)
    .join(', ');
