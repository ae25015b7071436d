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
  /** How many autoscalers set the replicas of a target. */
  const scalers = new Map<string, number>();
  const count = (autoscaler: KubeObject | undefined, by: 1 | -1): void => {
    const target = autoscaler && placeOf(autoscaler);
    if (target === undefined) return;
    const now = (scalers.get(target) ?? 0) + by;
    if (now > 0) scalers.set(target, now);
    else scalers.delete(target);
  };
  cache.onChange((object, previous) => {
    count(previous, -1);
    count(object, 1);
    if (object && previous && targetOf(object) === targetOf(previous)) return;
    // Also what is not scaled any more: its replicas are Git's again.
    for (const target of [previous && targetObject(previous), object && targetObject(object)])
      if (target) onChange(target);
  });
  /** By plan: asked for each of its objects, it is gone through once. */
  const inPlan = new WeakMap<readonly PlannedObject[], ReadonlySet<string>>();
  const targetsIn = (planned: readonly PlannedObject[]): ReadonlySet<string> => {
    const known = inPlan.get(planned);
    if (known) return known;
    const autoscalers = planned.filter(({ object }) => object.kind === resources.horizontalPodAutoscalers.kind);
    const targets = new Set(autoscalers.map(({ object }) => placeOf(object)));
    inPlan.set(planned, targets);
    return targets;
  };
  return {
    isScaled({ apiVersion, kind, metadata }, planned) {
      const place = `${metadata.namespace ?? ''} ${groupOf(apiVersion)}/${kind}/${metadata.name}`;
      return scalers.has(place) || targetsIn(planned).has(place);
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

/** An autoscaler and its target are in one namespace. */
const placeOf = (autoscaler: KubeObject): string => `${autoscaler.metadata.namespace ?? ''} ${targetOf(autoscaler)}`;

const targetObject = ({ spec, metadata }: KubeObject): KubeObject | undefined => {
  const { apiVersion, kind, name } = targetRefOf(spec);
  if (apiVersion === undefined || kind === undefined || name === undefined) return undefined;
  return { apiVersion, kind, metadata: { name, namespace: metadata.namespace ?? '' } };
};
