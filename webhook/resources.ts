import type { AdmittedPod, Container, Resources } from './pod.ts';

const BURSTABLE: Resources = { requests: { cpu: '5m', memory: '16Mi' }, limits: { memory: '64Mi' } };
/** Requests must equal limits; with less CPU than this the recorder would take seconds to start. */
const GUARANTEED_AMOUNT = { cpu: '50m', memory: '64Mi' };
const GUARANTEED: Resources = { requests: GUARANTEED_AMOUNT, limits: GUARANTEED_AMOUNT };

/**
 * The recorder's resources. Always with CPU and memory requests: one container without makes the pod's utilisation
 * unknown to its HorizontalPodAutoscaler. A Guaranteed pod stays Guaranteed. A pod with pod-level resources bounds the
 * recorder already, and the API server refuses containers that ask for more than the pod.
 */
export const recorderResources = (pod: AdmittedPod): Resources => {
  if (pod.spec?.resources?.requests !== undefined || pod.spec?.resources?.limits !== undefined) return {};
  return isGuaranteed(pod) ? GUARANTEED : BURSTABLE;
};

const isGuaranteed = (pod: AdmittedPod): boolean => {
  const containers = [...(pod.spec?.containers ?? []), ...(pod.spec?.initContainers ?? [])];
  return containers.length > 0 && containers.every(isContainerGuaranteed);
};

/** The API server has filled in missing requests from limits by now. */
const isContainerGuaranteed = ({ resources }: Container): boolean =>
  ['cpu', 'memory'].every((name) => {
    const limit = resources?.limits?.[name];
    return limit !== undefined && (resources?.requests?.[name] ?? limit) === limit;
  });
