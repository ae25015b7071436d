import { type Logger, pino } from 'pino';

export type Log = Logger;

/** JSON lines on standard output. Messages are constant; what varies is in lowerCamelCase fields, objects as `namespace/name`. */
export const createLog = (options: { level?: string; name?: string } = {}): Log =>
  pino({
    level: options.level ?? 'info',
    base: options.name === undefined ? null : { component: options.name },
    timestamp: () => `,"time":"${new Date().toISOString()}"`,
    formatters: { level: (label) => ({ level: label }) },
    serializers: { err: pino.stdSerializers.err, error: pino.stdSerializers.err },
    redact: {
      paths: [
        'token',
        'password',
        'authorization',
        'credentials',
        '*.token',
        '*.password',
        '*.authorization',
        '*.data',
        '*.stringData',
      ],
      censor: '[redacted]',
    },
  });

export const silentLog = (): Log => pino({ level: 'silent' });
