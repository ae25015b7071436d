export { type SetCaches, type SetController, type SetPorts, startSets } from './controller.ts';
