export { createWatchCache, type WatchCachePorts } from './cache.ts';
export { createKubeClient, type KubeClientOptions, type OpenKubeClient } from './client.ts';
export { type Connection, loadConnection } from './config.ts';
export { createDiscovery } from './discovery.ts';
export {
  isConflict,
  isExpired,
  isForbidden,
  isNoMatch,
  isNotFound,
  isRejected,
  isTerminating,
  KubeError,
  mayBeWritten,
} from './errors.ts';
export { createEventSink } from './events.ts';
export { addFinalizer, hasFinalizer, removeFinalizer } from './finalizers.ts';
export { type LeaderElection, runLeaderElection } from './lease.ts';
export { createLeaseThread, type LeaseThread } from './lease-thread.ts';
export { createOwnWrites, type OwnWrites } from './own-writes.ts';
export { apiVersionOf, collectionOf } from './paths.ts';
export { createWorkQueue, type WorkQueue } from './queue.ts';
export { resources, workloadResource } from './resources.ts';
export { createTerm, type Term } from './term.ts';
export { whatTerminates } from './terminating.ts';
export type * from './types.ts';
