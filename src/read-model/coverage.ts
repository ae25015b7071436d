import { injectionOf } from '../api/injection.ts';
import type { KubeObject } from '../api/meta.ts';
import { isWorkloadOptedIn } from '../api/optin.ts';
import type { WorkloadKey, WorkloadKind } from '../api/workload.ts';

/** An opted-in workload, with how many of its pods carry the sidecar. */
export interface Coverage {
  workload: WorkloadKey;
  pods: number;
  injected: number;
  /** What the webhook wrote on a pod that it left alone; undefined where it never saw the pod. */
  why: string | undefined;
}

/**
 * Opted-in workloads, in the order in which they come.
 *
 * @param objects.pods metadata suffices
 */
export const coverageOf = (objects: {
  workloads: readonly (readonly [WorkloadKind, readonly KubeObject[]])[];
  namespaces: readonly KubeObject[];
  pods: readonly KubeObject[];
}): Coverage[] => {
  const namespaces = new Map(objects.namespaces.map((namespace) => [namespace.metadata.name, namespace]));
  const byOwner = Map.groupBy(
    objects.pods.filter(({ metadata }) => metadata.deletionTimestamp === undefined),
    ownerOf,
  );
  return objects.workloads.flatMap(([kind, items]) =>
    items
      .filter((workload) => isWorkloadOptedIn(workload, namespaces.get(workload.metadata.namespace ?? '')))
      .map(({ metadata }) => {
        const { name, namespace = '' } = metadata;
        return count({ kind, name, namespace }, byOwner.get(`${kind}/${namespace}/${name}`) ?? []);
      }),
  );
};

/** Some pod of it runs without the sidecar. */
export const isUncovered = ({ pods, injected }: Coverage): boolean => injected < pods;

/** A ReplicaSet's name is its Deployment's and a hash: enough for a report, where UIDs would cost another list. */
const ownerOf = ({ metadata }: KubeObject): string => {
  const owner = metadata.ownerReferences?.find((reference) => reference.controller);
  if (!owner) return '';
  if (owner.kind !== 'ReplicaSet') return `${owner.kind}/${metadata.namespace}/${owner.name}`;
  return `Deployment/${metadata.namespace}/${owner.name.slice(0, owner.name.lastIndexOf('-'))}`;
};

const count = (workload: WorkloadKey, pods: readonly KubeObject[]): Coverage => {
  const found = pods.map(injectionOf);
  return {
    workload,
    pods: pods.length,
    injected: found.filter(({ is }) => is === 'injected').length,
    why: found.find((each) => each.is === 'skipped')?.why,
  };
};
