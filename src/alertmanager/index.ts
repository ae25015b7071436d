export { AlertmanagerError, createAlertmanager } from './alertmanager.ts';
export { createSilences, type SilenceAnswer, type Silences } from './silences.ts';
