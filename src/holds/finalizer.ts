import type { Hold } from '../api/hold.ts';
import { type KubeClient, resources } from '../kube/index.ts';

/** On every Hold that rejects: its end is recorded in the history before it goes. */
export const FINALIZER = 'metricops.dev/lift';

export const hasFinalizer = ({ metadata }: Hold): boolean => metadata.finalizers?.includes(FINALIZER) ?? false;

/** A Hold that is being deleted stays in force until the controller has recorded that: then it lets go. */
export const isInForce = (hold: Hold): boolean => hold.metadata.deletionTimestamp === undefined || hasFinalizer(hold);

/**
 * For one that the controller is about to store: who deletes it before the controller has seen it lifts it all
 * the same.
 */
export const withFinalizer = <H extends Hold>(hold: H): H =>
  hasFinalizer(hold)
    ? hold
    : { ...hold, metadata: { ...hold.metadata, finalizers: [...(hold.metadata.finalizers ?? []), FINALIZER] } };

/** Resolves with the Hold as it is stored. Rejects with a conflict when somebody wrote it meanwhile. */
export const ensureFinalizer = (hold: Hold, client: KubeClient): Promise<Hold> =>
  hasFinalizer(hold)
    ? Promise.resolve(hold)
    : setFinalizers(hold, [...(hold.metadata.finalizers ?? []), FINALIZER], client);

export const letGo = async (hold: Hold, client: KubeClient): Promise<void> => {
  const others = (hold.metadata.finalizers ?? []).filter((name) => name !== FINALIZER);
  await setFinalizers(hold, others, client);
};

const setFinalizers = ({ metadata }: Hold, finalizers: readonly string[], client: KubeClient): Promise<Hold> => {
  const body = { metadata: { finalizers, resourceVersion: metadata.resourceVersion } };
  return client.patch<Hold>(resources.holds, metadata, { type: 'merge', body });
};
