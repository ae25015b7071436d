export { type SyncController, type SyncPorts, startSync } from './controller.ts';
