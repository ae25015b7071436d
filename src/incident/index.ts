export type { Caches } from './caches.ts';
export { type IncidentController, type IncidentPorts, startIncidents } from './controller.ts';
export { createIntake, type Intake, type IntakeAnswer } from './intake.ts';
export { isClosed, needsPerson } from './phases.ts';
export { type RolloutWatchPorts, startRolloutWatch } from './rollout-watch.ts';
