import { switchOf } from './annotation-values.ts';
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

/** The nearest word wins, the namespace's label last. A value that is no switch counts as not said there. */
const isOptedIn = (nearestFirst: readonly (Annotated | undefined)[], namespace: Annotated | undefined): boolean =>
  nearestFirst.map((each) => switchOf(each, annotations.inject)).find((word) => word !== undefined) ??
  OPTED_IN.includes(namespace?.labels?.[labels.inject] ?? '');

/** Values of the namespace's label. A selector, as the webhook has one, compares them letter by letter. */
export const OPTED_IN = ['enabled', 'true'];
