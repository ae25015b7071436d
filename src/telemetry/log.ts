import { type DestinationStream, type Logger, pino } from 'pino';

export type Log = Logger;

/** Names under which credentials and the contents of Secrets travel; at the top of an entry and one level below. */
const SECRET = ['token', 'password', 'authorization', 'credentials', 'data', 'stringData', 'headers'];

/** JSON lines on standard output. Messages are constant; what varies is in lowerCamelCase fields, objects as `namespace/name`. */
export const createLog = (options: { level?: string; name?: string; destination?: DestinationStream } = {}): Log => {
  const settings = {
    level: options.level ?? 'info',
    base: options.name === undefined ? null : { component: options.name },
    timestamp: () => `,"time":"${new Date().toISOString()}"`,
    formatters: { level: (label: string) => ({ level: label }) },
    serializers: { err: errorOf, error: errorOf, url: (url: unknown) => withoutUserInfo(String(url)) },
    redact: { paths: SECRET.flatMap((name) => [name, `*.${name}`]), censor: '[redacted]' },
  };
  return options.destination === undefined ? pino(settings) : pino(settings, options.destination);
};

/** Message and stack with those of its causes; a URL in them keeps its user and password to itself. */
const errorOf = (error: Error): unknown => {
  const entry: unknown = pino.stdSerializers.err(error);
  if (typeof entry !== 'object' || entry === null) return entry;
  const texts = Object.entries(entry).map(([name, value]) => [
    name,
    typeof value === 'string' ? withoutUserInfo(value) : value,
  ]);
  return Object.fromEntries(texts);
};

const withoutUserInfo = (text: string): string => text.replace(/:\/\/[^/@\s]+@/g, '://[redacted]@');

export const silentLog = (): Log => pino({ level: 'silent' });
