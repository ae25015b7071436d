import type { KubeObject } from '../src/api/meta.ts';
import { type Amounts, amountsOf, NAMES, type Totals, totalsOf } from './amounts.ts';
import type { AdmittedPod, Container, Resources } from './pod.ts';
import { quantity } from './quantity.ts';

type Amount = Record<string, string>;

interface Limit {
  type: string;
  min?: Amount;
  max?: Amount;
  default?: Amount;
  defaultRequest?: Amount;
  maxLimitRequestRatio?: Amount;
}

const limitsOf = (ranges: readonly KubeObject[], type: string): Limit[] =>
  ranges
    .flatMap((range) => (range.spec as { limits?: Limit[] } | undefined)?.limits ?? [])
    .filter((l) => l.type === type);

/** What a container gets as its CPU limit where the namespace wants it to have one. */
const CPU_LIMIT = '100m';

/**
 * Resources that the LimitRanges of the namespace let pass for one container: with less than their minimum or more
 * than their maximum the API server would refuse the whole pod. A request grows to a minimum only, except for memory
 * under a ratio: a limit on CPU slows the recorder down, one on memory ends it.
 */
export const withinLimitRanges = (resources: Resources, ranges: readonly KubeObject[]): Resources => {
  let result = resources;
  for (const limit of limitsOf(ranges, 'Container')) result = within(result, limit);
  return result;
};

const within = (resources: Resources, limit: Limit): Resources => {
  const requests = { ...resources.requests };
  const limits = { ...resources.limits };
  for (const name of NAMES) {
    const bounds = { least: limit.min?.[name], most: limit.max?.[name], ratio: limit.maxLimitRequestRatio?.[name] };
    // A limit that is not set here would be set by the LimitRange, to what the application is meant to have.
    const fallback = limit.default?.[name] === undefined && bounds.most === undefined ? undefined : CPU_LIMIT;
    const limited = limits[name] ?? (name === 'cpu' ? fallback : undefined);
    const { request, bound } = bounded({ request: requests[name], bound: limited }, name, bounds);
    if (request !== undefined) requests[name] = request;
    if (bound !== undefined) limits[name] = bound;
  }
  return {
    ...(Object.keys(requests).length === 0 ? {} : { requests }),
    ...(Object.keys(limits).length === 0 ? {} : { limits }),
  };
};

/** Request and limit of one resource. */
interface Pair {
  request: string | undefined;
  bound: string | undefined;
}
interface Bounds {
  least: string | undefined;
  most: string | undefined;
  ratio: string | undefined;
}

const bounded = ({ request, bound }: Pair, name: string, { least, most, ratio }: Bounds): Pair => {
  let asked = smaller(larger(request, least), most);
  let limit = smaller(larger(bound, bound === undefined ? undefined : least), most);
  if (ratio === undefined || asked === undefined) return { request: asked, bound: limit };
  if (name === 'memory' && limit !== undefined) asked = larger(asked, portion(name, quantity(limit) / quantity(ratio)));
  limit = smaller(limit, portion(name, quantity(asked ?? '0') * quantity(ratio), Math.floor)) ?? asked;
  return { request: smaller(asked, limit), bound: limit };
};

/** As a quantity: whole millicores, whole KiB. */
const portion = (name: string, value: number, round: (value: number) => number = Math.ceil): string => {
  // 64 Mi / 1.1 * 1.1 is not 64 Mi in floating point.
  const amount = round(Number((name === 'cpu' ? value * 1000 : value / 1024).toPrecision(12)));
  if (name === 'cpu') return `${amount}m`;
  return amount % 1024 === 0 ? `${amount / 1024}Mi` : `${amount}Ki`;
};

const larger = (a: string | undefined, b: string | undefined): string | undefined =>
  a === undefined || b === undefined ? (a ?? b) : quantity(a) < quantity(b) ? b : a;
const smaller = (a: string | undefined, b: string | undefined): string | undefined =>
  a === undefined || b === undefined ? a : quantity(a) > quantity(b) ? b : a;

/**
 * Why the LimitRanges of the namespace would refuse the pod with this recorder, in words; undefined where they let it
 * pass. Asks what LimitRanger asks: each container, and the pod as a whole.
 */
export const refusedByLimitRange = (
  pod: AdmittedPod,
  recorder: Container,
  ranges: readonly KubeObject[],
): string | undefined => {
  const own = amountsOf(recorder);
  const totals = totalsOf(pod, recorder);
  const checks: [Totals, string][] = [
    [own, 'Container'],
    [totals, 'Pod'],
  ];
  for (const [amounts, type] of checks) {
    for (const limit of limitsOf(ranges, type)) {
      for (const name of NAMES) {
        const words = violated(amounts[name], limit, name);
        if (words !== undefined) return `LimitRange: ${words} per ${type}`;
      }
    }
  }
  return undefined;
};

const violated = (
  { request, limit }: Amounts,
  { min, max, maxLimitRequestRatio }: Limit,
  name: string,
): string | undefined => {
  const [least, most, ratio] = [min, max, maxLimitRequestRatio].map((bound) =>
    bound?.[name] === undefined ? undefined : quantity(bound[name]),
  );
  if (least !== undefined && !(request !== undefined && request >= least && (limit ?? least) >= least))
    return `minimum ${name} is ${min?.[name]}`;
  if (most !== undefined && !(limit !== undefined && limit <= most && (request ?? 0) <= most))
    return `maximum ${name} is ${max?.[name]}`;
  if (ratio !== undefined && !(request && limit && limit / request <= ratio * (1 + 1e-9)))
    return `maximum ratio of limit to request of ${name} is ${maxLimitRequestRatio?.[name]}`;
  return undefined;
};
