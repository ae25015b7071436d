import type { KubeObject } from '../src/api/meta.ts';
import { NAMES } from './amounts.ts';
import { withinLimitRanges } from './limit-range.ts';
import { type AdmittedPod, type Container, hasPodLevel, type Resources } from './pod.ts';
import { wantsCpuLimit } from './quota.ts';

const REQUESTS = { cpu: '5m', memory: '16Mi' };
const MEMORY_LIMIT = { memory: '64Mi' };
/** Requests must equal limits; with less CPU than this the recorder would take seconds to start. */
const GUARANTEED = { cpu: '50m', memory: '64Mi' };
const CPU_LIMIT = { cpu: '100m' };

/** What a namespace lets a pod have. */
export interface NamespaceBounds {
  limitRanges: readonly KubeObject[];
  quotas: readonly KubeObject[];
}

/**
 * The recorder's resources. Always with CPU and memory requests: one container without makes the pod's utilisation
 * unknown to its HorizontalPodAutoscaler. A Guaranteed pod stays Guaranteed. A pod with pod-level resources bounds the
 * recorder already, and the API server refuses containers that ask for more than the pod: there the recorder says only
 * what a LimitRange would say for it otherwise.
 */
export const recorderResources = (pod: AdmittedPod, { limitRanges, quotas }: NamespaceBounds): Resources => {
  if (hasPodLevel(pod))
    return explicitDefaults(withinLimitRanges({ requests: REQUESTS, limits: MEMORY_LIMIT }, limitRanges), limitRanges);
  const containers = [...(pod.spec?.containers ?? []), ...(pod.spec?.initContainers ?? [])];
  const every = (holds: (container: Container) => boolean): boolean => containers.length > 0 && containers.every(holds);
  if (every(isGuaranteed)) return withinLimitRanges({ requests: GUARANTEED, limits: GUARANTEED }, limitRanges);
  // Where all others have a CPU limit, a ResourceQuota that is not seen yet may ask for one of each container.
  const limits = wantsCpuLimit(quotas) || every(hasCpuLimit) ? { ...MEMORY_LIMIT, ...CPU_LIMIT } : MEMORY_LIMIT;
  return withinLimitRanges({ requests: REQUESTS, limits }, limitRanges);
};

/** Only the amounts that the LimitRanges default or bound. */
const explicitDefaults = ({ requests, limits }: Resources, ranges: readonly KubeObject[]): Resources => {
  const said = ranges
    .flatMap((range) => (range.spec as { limits?: { type: string }[] } | undefined)?.limits ?? [])
    .filter(({ type }) => type === 'Container')
    .flatMap(({ type: _, ...bounds }) => Object.values(bounds as Record<string, Record<string, string>>))
    .flatMap((bound) => Object.keys(bound));
  const only = (amounts: Record<string, string> = {}): Record<string, string> =>
    Object.fromEntries(NAMES.flatMap((name) => (said.includes(name) && amounts[name] ? [[name, amounts[name]]] : [])));
  return said.length === 0 ? {} : { requests: only(requests), limits: only(limits) };
};

const hasCpuLimit = ({ resources }: Container): boolean => resources?.limits?.cpu !== undefined;

/** The API server has filled in missing requests from limits by now. */
const isGuaranteed = ({ resources }: Container): boolean =>
  ['cpu', 'memory'].every((name) => {
    const limit = resources?.limits?.[name];
    return limit !== undefined && (resources?.requests?.[name] ?? limit) === limit;
  });
