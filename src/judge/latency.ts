import type { Facts } from './facts.ts';
import type { Found } from './found.ts';
import { chanceOfRanks, superiority } from './mann-whitney.ts';
import { percent } from './words.ts';

/** As for counts: one time in a thousand chance alone passes for a difference. */
const ALPHA = 0.001;
/** A large effect, by the scale of Vargha and Delaney. */
const LARGE = 0.71;

/**
 * Where few requests are slow, how slow all of them are says more than how many are slower than the threshold. Less than
 * that does where it can: minutes of one pod depend on each other.
 */
export const latency = ({ ratio }: Facts): Found | undefined => {
  if (!ratio?.latencies) return undefined;
  const { ranked, release, other, unit } = ratio.latencies;
  const effect = superiority(ranked);
  const isSlower = effect >= LARGE && chanceOfRanks(ranked) < ALPHA;
  const took = `in the same minutes its pods take ${release}${unit} on average, those of the release before it ${other}${unit}`;
  const how = isSlower ? `: slower in ${percent(effect)} of all comparisons` : ': no difference is shown';
  const of = ` (median of ${ranked.n} and ${ranked.m} minutes of pods)`;
  return { name: 'Latency', points: isSlower ? 4 : 0, message: `${took}${how}${of}`, reason: 'InsufficientTraffic' };
};
