export { conditionIs, withConditions } from '../api/conditions.ts';
export { healthOf } from '../health/health.ts';
export { currentDigest, otherToolOf } from '../holds/index.ts';
export { type Credentials, createCredentials } from '../source/credentials.ts';
export { trimManagedFields } from '../ssa/marks.ts';
export { type SyncController, type SyncPorts, startSync } from './controller.ts';
