import { annotations, labels } from './annotations.ts';

interface Annotated {
  annotations?: Record<string, string>;
  labels?: Record<string, string>;
}

/**
 * Whether the releases of this workload are recorded and its pods injected.
 * @param namespace of the workload; undefined where it is not known
 */
export const isWorkloadOptedIn = (
  { metadata, spec }: { metadata: Annotated; spec?: unknown },
  namespace: { metadata: Annotated } | undefined,
): boolean => {
  const template = (spec as { template?: { metadata?: Annotated } } | undefined)?.template?.metadata;
  return isOptedIn([template, metadata], namespace?.metadata);
};

/** The same for a pod by itself, whose annotations are those of its template. */
export const isPodOptedIn = (pod: Annotated | undefined, namespace: Annotated | undefined): boolean =>
  isOptedIn([pod], namespace);

/** The nearest word wins, the namespace's label last. A value that is neither true nor false counts as not said there. */
const isOptedIn = (nearestFirst: readonly (Annotated | undefined)[], namespace: Annotated | undefined): boolean =>
  nearestFirst.map((each) => said(each?.annotations?.[annotations.inject])).find((word) => word !== undefined) ??
  namespace?.labels?.[labels.inject] === 'enabled';

const said = (value: string | undefined): boolean | undefined =>
  value === 'true' ? true : value === 'false' ? false : undefined;
