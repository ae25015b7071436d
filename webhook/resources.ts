import type { KubeObject } from '../src/api/meta.ts';
import { withinLimitRanges } from './limit-range.ts';
import type { AdmittedPod, Container, Resources } from './pod.ts';

const REQUESTS = { cpu: '5m', memory: '16Mi' };
const MEMORY_LIMIT = { memory: '64Mi' };
/** Requests must equal limits; with less CPU than this the recorder would take seconds to start. */
const GUARANTEED = { cpu: '50m', memory: '64Mi' };
const CPU_LIMIT = { cpu: '100m' };

/**
 * The recorder's resources. Always with CPU and memory requests: one container without makes the pod's utilisation
 * unknown to its HorizontalPodAutoscaler. A Guaranteed pod stays Guaranteed. A pod with pod-level resources bounds the
 * recorder already, and the API server refuses containers that ask for more than the pod.
 *
 * @param limitRanges of the pod's namespace
 */
export const recorderResources = (pod: AdmittedPod, limitRanges: readonly KubeObject[]): Resources => {
  if (pod.spec?.resources?.requests !== undefined || pod.spec?.resources?.limits !== undefined) return {};
  const containers = [...(pod.spec?.containers ?? []), ...(pod.spec?.initContainers ?? [])];
  const every = (holds: (container: Container) => boolean): boolean => containers.length > 0 && containers.every(holds);
  if (every(isGuaranteed)) return withinLimitRanges({ requests: GUARANTEED, limits: GUARANTEED }, limitRanges);
  // Where all others have a CPU limit, a ResourceQuota may ask for one of each container.
  const limits = every(hasCpuLimit) ? { ...MEMORY_LIMIT, ...CPU_LIMIT } : MEMORY_LIMIT;
  return withinLimitRanges({ requests: REQUESTS, limits }, limitRanges);
};

const hasCpuLimit = ({ resources }: Container): boolean => resources?.limits?.cpu !== undefined;

/** The API server has filled in missing requests from limits by now. */
const isGuaranteed = ({ resources }: Container): boolean =>
  ['cpu', 'memory'].every((name) => {
    const limit = resources?.limits?.[name];
    return limit !== undefined && (resources?.requests?.[name] ?? limit) === limit;
  });
