import { Agent, request } from 'undici';
import { z } from 'zod';
import { AlertmanagerError } from './error.ts';
import type { Matcher } from './matcher.ts';

export { AlertmanagerError } from './error.ts';

export interface Silence {
  id: string;
  createdBy: string;
  comment: string;
  /** Milliseconds since the epoch. */
  endsAt: number;
  matchers: readonly Matcher[];
}

export interface Alertmanager {
  /** Those that are active now. Rejects with AlertmanagerError only. */
  activeSilences(): Promise<Silence[]>;
  close(): Promise<void>;
}

/** Alertmanager keeps expired ones for five days, and sends them as well. */
const MAX_BYTES = 8 * 1024 * 1024;

const silences = z.array(
  z.object({
    id: z.string(),
    createdBy: z.string().default(''),
    comment: z.string().default(''),
    endsAt: z.string(),
    status: z.object({ state: z.string() }),
    matchers: z.array(
      z.object({
        name: z.string(),
        value: z.string(),
        isRegex: z.boolean(),
        // Alertmanager before 0.22 knows = and =~ only.
        isEqual: z.boolean().default(true),
      }),
    ),
  }),
);

/** @param url from the configuration, never from an alert: an externalURL of an alert is not asked */
export const createAlertmanager = (options: { url: string; token?: string; timeoutMs?: number }): Alertmanager => {
  const { timeoutMs = 5000, token } = options;
  const base = options.url.replace(/\/$/, '');
  const dispatcher = new Agent({ connections: 2, maxResponseSize: MAX_BYTES });
  const headers = token === undefined ? {} : { authorization: `Bearer ${token}` };
  return {
    async activeSilences() {
      const signal = AbortSignal.timeout(timeoutMs);
      try {
        const { statusCode, body } = await request(`${base}/api/v2/silences`, { dispatcher, signal, headers });
        const text = await body.text();
        return read(statusCode, text).filter(({ state }) => state === 'active');
      } catch (cause) {
        if (cause instanceof AlertmanagerError) throw cause;
        const why = signal.aborted ? `no whole answer within ${timeoutMs / 1000} s` : wordsOf(cause);
        throw new AlertmanagerError(`Alertmanager can't be asked: ${why}`, { cause });
      }
    },
    close: () => dispatcher.destroy(),
  };
};

const read = (statusCode: number, text: string): (Silence & { state: string })[] => {
  if (statusCode !== 200) {
    const hint = statusCode === 401 || statusCode === 403 ? '; check METRICOPS_ALERTMANAGER_API_TOKEN' : '';
    throw new AlertmanagerError(`Alertmanager answered ${statusCode}${hint}`);
  }
  const parsed = silences.safeParse(jsonOf(text));
  if (!parsed.success) throw new AlertmanagerError('the answer is no list of silences of Alertmanager');
  return parsed.data.map(({ status, endsAt, ...silence }) => ({
    ...silence,
    endsAt: Date.parse(endsAt),
    state: status.state,
  }));
};

const jsonOf = (text: string): unknown => {
  try {
    return JSON.parse(text);
  } catch (cause) {
    throw new AlertmanagerError('the answer is no JSON', { cause });
  }
};

/** Of a host with several addresses the error has a code, but no message. */
const wordsOf = (cause: unknown): string => {
  if (!(cause instanceof Error)) return String(cause).slice(0, 500);
  const { code = cause.name } = cause as NodeJS.ErrnoException;
  return (cause.message || code).slice(0, 500);
};
