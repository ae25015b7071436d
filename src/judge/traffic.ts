import { compare } from './comparison.ts';
import type { RatioFacts } from './facts.ts';
import type { Found } from './found.ts';

/** So much more that a release which was good may be overrun. */
const SURGE = 1.8;
/** More than callers make of it that try each failed request twice again. */
const BEYOND_RETRIES = 3.2;

type Asked = Pick<RatioFacts, 'threshold' | 'traffic' | 'release' | 'early'>;

/**
 * More requests came when the burn began. Callers that try again what failed make more of them, too: unless there are
 * more than retries explain, as many as before have to succeed, or the release itself was well until they came.
 */
export const traffic = ({ ratio }: { ratio: Asked | undefined }): Found | undefined => {
  if (!ratio?.traffic) return undefined;
  const { before, since } = ratio.traffic;
  if (before.total <= 0) return undefined;
  const times = since.total / before.total;
  const succeeds = since.total - since.errors >= before.total - before.errors;
  const isSurge = times >= SURGE && (succeeds || wasWell(ratio));
  if (!isSurge && times < BEYOND_RETRIES) return undefined;
  const message = `${Number(times.toPrecision(2))} times as many requests came when the burn began`;
  return { name: 'Traffic', points: -3, message, reason: 'TrafficSurge' };
};

/** The same release surely failed less before. */
const wasWell = ({ threshold, release, early }: Asked): boolean =>
  release !== undefined && early !== undefined && compare(release, early, threshold) === 'Worse';
