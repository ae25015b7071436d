export { type Caches, platformOf } from './caches.ts';
export { type IncidentController, type IncidentPorts, startIncidents } from './controller.ts';
export { createIntake, type Intake, type IntakeAnswer } from './intake.ts';
export { isClosed } from './step.ts';
