export { pushTargets } from './push.ts';
export { type SecretSource, secretFile } from './secret.ts';
export { createServer } from './server.ts';
export type { AlertsAnswer, PushTarget, Server, ServerOptions, ServerPorts } from './types.ts';
