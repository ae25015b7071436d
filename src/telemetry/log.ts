import { type DestinationStream, type Logger, pino } from 'pino';
import { withoutSecretFields, withoutSecretTexts } from './redact.ts';

export type Log = Logger;

/** JSON lines on standard output. Messages are constant; what varies is in lowerCamelCase fields, objects as `namespace/name`. */
export const createLog = (options: { level?: string; name?: string; destination?: DestinationStream } = {}): Log => {
  const settings = {
    level: options.level ?? 'info',
    base: options.name === undefined ? null : { component: options.name },
    timestamp: () => `,"time":"${new Date().toISOString()}"`,
    formatters: {
      level: (label: string) => ({ level: label }),
      log: (entry: object) => withoutSecretFields(entry) as Record<string, unknown>,
    },
    // The whole line, so that no field, message or stack goes another way.
    hooks: { streamWrite: withoutSecretTexts },
  };
  return options.destination === undefined ? pino(settings) : pino(settings, options.destination);
};

export const silentLog = (): Log => pino({ level: 'silent' });
