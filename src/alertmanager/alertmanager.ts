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

/** As Alertmanager takes it: https://github.com/prometheus/alertmanager/blob/main/api/v2/openapi.yaml, postableAlert. */
export interface PostableAlert {
  labels: Readonly<Record<string, string>>;
  annotations: Readonly<Record<string, string>>;
  /** RFC 3339. */
  startsAt: string;
  /** RFC 3339: resolved from then on. */
  endsAt: string;
  generatorURL?: string;
}

export interface Alertmanager {
  /** Those that are active now. Rejects with AlertmanagerError only. */
  activeSilences(): Promise<Silence[]>;
  /** Alerts with the same labels are one alert. Rejects with AlertmanagerError only, where some may not be taken. */
  postAlerts(alerts: readonly PostableAlert[]): Promise<void>;
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
  const authorization = token === undefined ? {} : { authorization: `Bearer ${token}` };

  const call = async (path: string, body?: unknown): Promise<string> => {
    const signal = AbortSignal.timeout(timeoutMs);
    try {
      const answer = await request(`${base}/api/v2/${path}`, {
        dispatcher,
        signal,
        ...(body === undefined
          ? { headers: authorization }
          : {
              method: 'POST' as const,
              headers: { ...authorization, 'content-type': 'application/json' },
              body: JSON.stringify(body),
            }),
      });
      const text = await answer.body.text();
      if (answer.statusCode !== 200) throw refused(answer.statusCode, text);
      return text;
    } catch (cause) {
      if (cause instanceof AlertmanagerError) throw cause;
      const why = signal.aborted ? `no whole answer within ${timeoutMs / 1000} s` : wordsOf(cause);
      throw new AlertmanagerError(`Alertmanager can't be asked: ${why}`, { cause });
    }
  };

  return {
    activeSilences: async () => read(await call('silences')).filter(({ state }) => state === 'active'),
    async postAlerts(alerts) {
      await call('alerts', alerts);
    },
    close: () => dispatcher.destroy(),
  };
};

const refused = (statusCode: number, text: string): AlertmanagerError => {
  if (statusCode === 401 || statusCode === 403)
    return new AlertmanagerError(`Alertmanager answered ${statusCode}; check METRICOPS_ALERTMANAGER_API_TOKEN`);
  // It says so of an alert that it does not take; those beside it are taken.
  const why = statusCode === 400 ? `: ${text.slice(0, 200)}` : '';
  return new AlertmanagerError(`Alertmanager answered ${statusCode}${why}`);
};

const read = (text: string): (Silence & { state: string })[] => {
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
