export { type NotificationPorts, startNotifications } from './controller.ts';
export { type HeldWorkloadPorts, startHeldWorkloads } from './held-workloads.ts';
export { type IncidentAlertPorts, startIncidentAlerts } from './incident-alerts.ts';
