import type { Hold } from '../api/hold.ts';
import { hasFinalizer } from '../kube/index.ts';

/** On every Hold that rejects: its end is recorded in the history before it goes. */
export const FINALIZER = 'metricops.dev/lift';

/** A Hold that is being deleted stays in force until the controller has recorded that: then it lets go. */
export const isInForce = (hold: Hold): boolean =>
  hold.metadata.deletionTimestamp === undefined || hasFinalizer(hold, FINALIZER);

/**
 * For one that the controller is about to store: who deletes it before the controller has seen it lifts it all
 * the same.
 */
export const withFinalizer = <H extends Hold>(hold: H): H =>
  hasFinalizer(hold, FINALIZER)
    ? hold
    : { ...hold, metadata: { ...hold.metadata, finalizers: [...(hold.metadata.finalizers ?? []), FINALIZER] } };
