import { groupOf, type KubeObject } from '../../api/meta.ts';
import { createWatchCache, type KubeClient, resources, type WatchCachePorts } from '../../kube/index.ts';
import { isRecord } from '../../ssa/field-set.ts';
import type { PlannedObject } from '../plan/types.ts';

export interface Autoscaled {
  /** Whether an autoscaler, in the cluster or in the same plan, sets the replicas of this object. */
  isScaled(object: KubeObject, planned: readonly PlannedObject[]): boolean;
  ready(): Promise<void>;
  stop(): Promise<void>;
}

interface TargetRef {
  apiVersion?: string;
  kind?: string;
  name?: string;
}

/** Who is scaled: one watch over all HorizontalPodAutoscalers (KEDA makes such, too), of which only the target is kept. */
export const createAutoscaled = (
  client: KubeClient,
  ports: WatchCachePorts,
  /** Told of what is scaled now, or was until now. */
  onChange: (target: KubeObject) => void,
): Autoscaled => {
  const trim = ({ apiVersion, kind, metadata, spec }: KubeObject): KubeObject => ({
    apiVersion,
    kind,
    metadata: {
      name: metadata.name,
      namespace: metadata.namespace ?? '',
      resourceVersion: metadata.resourceVersion ?? '',
    },
    spec: { scaleTargetRef: targetRefOf(spec) },
  });
  const cache = createWatchCache(client, resources.horizontalPodAutoscalers, { trim }, ports);
  cache.onChange((object, previous) => {
    if (object && previous && targetOf(object) === targetOf(previous)) return;
    // Also what is not scaled any more: its replicas are Git's again.
    for (const target of [previous && targetObject(previous), object && targetObject(object)])
      if (target) onChange(target);
  });
  return {
    isScaled(object, planned) {
      const namespace = object.metadata.namespace ?? '';
      const wanted = `${groupOf(object.apiVersion)}/${object.kind}/${object.metadata.name}`;
      const inPlan = planned.some(
        ({ object: o }) =>
          o.kind === resources.horizontalPodAutoscalers.kind &&
          (o.metadata.namespace ?? '') === namespace &&
          targetOf(o) === wanted,
      );
      return inPlan || cache.list(namespace).some((o) => targetOf(o) === wanted);
    },
    ready: () => cache.ready(),
    stop: () => cache.stop(),
  };
};

/** In a commit it may be anything: what is no text names nothing. */
const targetRefOf = (spec: unknown): TargetRef => {
  const ref = isRecord(spec) && isRecord(spec.scaleTargetRef) ? spec.scaleTargetRef : {};
  return Object.fromEntries(Object.entries(ref).filter(([, value]) => typeof value === 'string'));
};

const targetOf = ({ spec }: KubeObject): string => {
  const { apiVersion = '', kind, name } = targetRefOf(spec);
  return `${groupOf(apiVersion)}/${kind}/${name}`;
};

const targetObject = ({ spec, metadata }: KubeObject): KubeObject | undefined => {
  const { apiVersion, kind, name } = targetRefOf(spec);
  if (apiVersion === undefined || kind === undefined || name === undefined) return undefined;
  return { apiVersion, kind, metadata: { name, namespace: metadata.namespace ?? '' } };
};
