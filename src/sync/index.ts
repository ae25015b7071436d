export { conditionIs, withConditions } from './conditions.ts';
export { type SyncController, type SyncPorts, startSync } from './controller.ts';
export { type Credentials, createCredentials } from './credentials.ts';
export { healthOf } from './health.ts';
export { currentDigest, otherToolOf } from './holds.ts';
export { keepAppliers } from './marks.ts';
