export { type LastWordsPorts, startLastWords } from './controller.ts';
export { logOf } from './secret.ts';
