import { Agent, request } from 'undici';
import {
  type AlertingRule,
  alertingRulesOf,
  PrometheusError,
  type Sample,
  type Series,
  samplesOf,
  seriesOf,
} from './responses.ts';

/** When a range query evaluates: from start to end, both included. start and end in milliseconds since the epoch. */
export interface Range {
  start: number;
  end: number;
  /** In milliseconds. */
  step: number;
}

/** What may be asked. All reject with PrometheusError only. */
export interface Queries {
  /** Instant query; at is in milliseconds since the epoch, now by default. */
  query(expression: string, at?: number): Promise<Sample[]>;
  /** Range query. Refused where it has more than MAX_POINTS steps. */
  queryRange(expression: string, range: Range): Promise<Series[]>;
  /** Alerting rules of this name. */
  alertingRules(name: string): Promise<AlertingRule[]>;
}

export interface Prometheus extends Queries {
  close(): Promise<void>;
}

/** More than this is parsed in no time that the main thread has; a verdict needs a few samples. */
const MAX_BYTES = 1024 * 1024;
/** Steps of a range query: a day by the minute and a half, and fewer bytes than an answer may have. */
export const MAX_POINTS = 1000;

/** @param url from the configuration, never from an alert */
export const createPrometheus = (options: { url: string; timeoutMs?: number; token?: string }): Prometheus => {
  const timeoutMs = options.timeoutMs ?? 5000;
  const timeout = `${timeoutMs}ms`;
  const base = options.url.replace(/\/$/, '');
  const dispatcher = new Agent({ connections: 8, headersTimeout: timeoutMs, bodyTimeout: timeoutMs });
  const authorization = options.token === undefined ? {} : { authorization: `Bearer ${options.token}` };
  const form = { 'content-type': 'application/x-www-form-urlencoded' };

  const ask = async (method: 'GET' | 'POST', path: string, parameters: Record<string, string>): Promise<unknown> => {
    const text = new URLSearchParams(parameters).toString();
    try {
      const signal = AbortSignal.timeout(timeoutMs);
      const answer =
        method === 'POST' // a query may be longer than what proxies take in a URL
          ? await request(base + path, {
              dispatcher,
              signal,
              method,
              headers: { ...authorization, ...form },
              body: text,
            })
          : await request(`${base}${path}?${text}`, { dispatcher, signal, headers: authorization });
      return parse(await textOf(answer.body), answer.statusCode);
    } catch (cause) {
      if (cause instanceof PrometheusError) throw cause;
      const why = cause instanceof Error ? cause.message || cause.name : String(cause);
      throw new PrometheusError('PrometheusUnreachable', `Prometheus can't be asked: ${why.slice(0, 500)}`, { cause });
    }
  };
  return {
    query: async (expression, at) =>
      samplesOf(
        await ask('POST', '/api/v1/query', {
          query: expression,
          timeout,
          ...(at === undefined ? {} : { time: String(at / 1000) }),
        }),
      ),
    queryRange: async (expression, range) =>
      seriesOf(await ask('POST', '/api/v1/query_range', { query: expression, timeout, ...timesOf(range) })),
    alertingRules: async (name) =>
      alertingRulesOf(
        await ask('GET', '/api/v1/rules', { type: 'alert', 'rule_name[]': name, exclude_alerts: 'true' }),
        name,
      ),
    close: () => dispatcher.destroy(),
  };
};

/** As the API takes them, in seconds. */
const timesOf = ({ start, end, step }: Range): Record<string, string> => {
  const points = Math.floor((end - start) / step) + 1;
  if (!(points >= 1 && points <= MAX_POINTS)) {
    const message = `a range of ${end - start} ms in steps of ${step} ms has ${points} points; 1 to ${MAX_POINTS} are read`;
    throw new PrometheusError('ExpressionRefused', message);
  }
  return { start: String(start / 1000), end: String(end / 1000), step: String(step / 1000) };
};

const textOf = async (body: AsyncIterable<Buffer>): Promise<string> => {
  const chunks: Buffer[] = [];
  let bytes = 0;
  // Leaving the loop early cuts the connection.
  for await (const chunk of body) {
    bytes += chunk.length;
    if (bytes > MAX_BYTES) {
      throw new PrometheusError('ExpressionRefused', 'the answer is over 1 MiB; aggregate the expression with sum()');
    }
    chunks.push(chunk);
  }
  return Buffer.concat(chunks).toString();
};

const parse = (text: string, status: number): unknown => {
  try {
    return JSON.parse(text);
  } catch (cause) {
    throw new PrometheusError('PrometheusUnreachable', `Prometheus answered ${status}, and no JSON`, { cause });
  }
};
