import { Agent, request } from 'undici';
import { PrometheusError } from './answer.ts';
import { boundedJson } from './bounded-json.ts';
import { type AlertingRule, alertingRulesOf, type Sample, type Series, samplesOf, seriesOf } from './responses.ts';

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
  /** Alerting rules of this name; '': all of them. */
  alertingRules(name: string): Promise<AlertingRule[]>;
}

export interface Prometheus extends Queries {
  close(): Promise<void>;
}

/** More than this is parsed in no time that the main thread has; a verdict needs a few samples. */
const MAX_BYTES = 1024 * 1024;
/** Servers that do not filter by name (Prometheus before 2.44) send all of their rules. */
const MAX_RULES_BYTES = 4 * 1024 * 1024;
/** Steps of a range query: a day by the minute and a half, and fewer bytes than an answer may have. */
export const MAX_POINTS = 1000;

const OF_QUERY = { maxBytes: MAX_BYTES, advice: 'aggregate the expression with sum()' };
const OF_ALL_RULES = { maxBytes: MAX_RULES_BYTES, advice: 'this Prometheus has too many rules to read them all' };
const OF_RULES = {
  maxBytes: MAX_RULES_BYTES,
  advice: 'this Prometheus does not filter rules by name, as 2.44 and later do; give the RollbackPolicy an indicator',
};

/** @param url from the configuration, never from an alert */
export const createPrometheus = (options: { url: string; timeoutMs?: number; token?: string }): Prometheus => {
  const timeoutMs = options.timeoutMs ?? 5000;
  const timeout = `${timeoutMs}ms`;
  const base = options.url.replace(/\/$/, '');
  const dispatcher = new Agent({ connections: 8, headersTimeout: 0, bodyTimeout: 0 }); // the signal ends both
  const headers = {
    'content-type': 'application/x-www-form-urlencoded',
    ...(options.token === undefined ? {} : { authorization: `Bearer ${options.token}` }),
  };

  const ask = async (
    method: 'GET' | 'POST',
    path: string,
    parameters: Record<string, string>,
    bound: { maxBytes: number; advice: string },
  ): Promise<unknown> => {
    const text = new URLSearchParams(parameters).toString();
    const signal = AbortSignal.timeout(timeoutMs);
    // A query may be longer than what proxies take in a URL. Rules are read by GET alone.
    const [target, body] = method === 'POST' ? [path, text] : [`${path}?${text}`, null];
    try {
      const answer = await request(base + target, { dispatcher, signal, method, headers, body });
      return await boundedJson(answer, bound);
    } catch (cause) {
      if (cause instanceof PrometheusError) throw cause;
      const why = signal.aborted ? `no whole answer within ${timeoutMs / 1000} s` : wordsOf(cause);
      throw new PrometheusError('PrometheusUnreachable', `Prometheus can't be asked: ${why}`, { cause });
    }
  };
  return {
    query: async (expression, at) =>
      samplesOf(
        await ask(
          'POST',
          '/api/v1/query',
          { query: expression, timeout, ...(at === undefined ? {} : { time: String(at / 1000) }) },
          OF_QUERY,
        ),
      ),
    queryRange: async (expression, range) =>
      seriesOf(await ask('POST', '/api/v1/query_range', { query: expression, timeout, ...timesOf(range) }, OF_QUERY)),
    alertingRules: async (name) =>
      alertingRulesOf(
        await ask(
          'GET',
          '/api/v1/rules',
          { type: 'alert', ...(name === '' ? {} : { 'rule_name[]': name }), exclude_alerts: 'true' },
          name === '' ? OF_ALL_RULES : OF_RULES,
        ),
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

/** Of a host with several addresses the error has a code, but no message. */
const wordsOf = (cause: unknown): string => {
  if (!(cause instanceof Error)) return String(cause).slice(0, 500);
  const { code = cause.name } = cause as NodeJS.ErrnoException;
  return (cause.message || code).slice(0, 500);
};
