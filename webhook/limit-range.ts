import type { KubeObject } from '../src/api/meta.ts';
import type { Resources } from './pod.ts';
import { quantity } from './quantity.ts';

interface Limit {
  type: string;
  min?: Record<string, string>;
  max?: Record<string, string>;
  maxLimitRequestRatio?: Record<string, string>;
}

const limitsOf = (range: KubeObject): Limit[] =>
  ((range.spec as { limits?: Limit[] } | undefined)?.limits ?? []).filter(({ type }) => type === 'Container');

/**
 * Resources that the LimitRanges of the namespace let pass: with less than their minimum or more than their maximum
 * the API server would refuse the whole pod.
 */
export const withinLimitRanges = (resources: Resources, ranges: readonly KubeObject[]): Resources => {
  let result = resources;
  for (const limit of ranges.flatMap(limitsOf)) result = within(result, limit);
  return result;
};

const within = (resources: Resources, limit: Limit): Resources => {
  const requests = { ...resources.requests };
  const limits = { ...resources.limits };
  for (const name of ['cpu', 'memory']) {
    const { request, bound } = bounded({ request: requests[name], bound: limits[name] }, name, limit);
    if (request !== undefined) requests[name] = request;
    if (bound !== undefined) limits[name] = bound;
  }
  return {
    ...(Object.keys(requests).length === 0 ? {} : { requests }),
    ...(Object.keys(limits).length === 0 ? {} : { limits }),
  };
};

/** Request and limit of one resource. */
interface Amounts {
  request: string | undefined;
  bound: string | undefined;
}

const bounded = ({ request, bound }: Amounts, name: string, { min, max, maxLimitRequestRatio }: Limit): Amounts => {
  const [least, most, ratio] = [min?.[name], max?.[name], maxLimitRequestRatio?.[name]];
  let result: Amounts = { request, bound };
  if (least !== undefined) {
    result = { request: larger(request ?? least, least), bound: bound === undefined ? bound : larger(bound, least) };
  }
  if (most !== undefined) {
    // A maximum asks for a limit, and for a request that is not over it.
    result = { request: smaller(result.request ?? most, most), bound: smaller(result.bound ?? most, most) };
  }
  return ratio === undefined ? result : withinRatio(result, ratio);
};

const withinRatio = ({ request, bound }: Amounts, ratio: string): Amounts => {
  const fits = request !== undefined && bound !== undefined && quantity(bound) / quantity(request) <= quantity(ratio);
  const both = bound ?? request;
  return fits ? { request, bound } : { request: both, bound: both };
};

const larger = (a: string, b: string): string => (quantity(a) < quantity(b) ? b : a);
const smaller = (a: string, b: string): string => (quantity(a) > quantity(b) ? b : a);
