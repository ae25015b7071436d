export { type Alertmanager, AlertmanagerError, createAlertmanager, type PostableAlert } from './alertmanager.ts';
export { createAlertmanagers } from './cluster.ts';
export {
  type Deliveries,
  lastRefused,
  NO_DELIVERIES,
  readDeliveries,
  refusedSince,
  TEST_LABEL,
  type TestArrival,
} from './deliveries.ts';
export { createDeliveryLog, type DeliveryLog } from './delivery-log.ts';
export { createSilences, type SilenceAnswer, type Silences } from './silences.ts';
