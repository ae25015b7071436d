import { Agent, request } from 'undici';

/** Prometheus could not be asked, or said no. */
export class PrometheusError extends Error {
  override name = 'PrometheusError';
}

export interface Sample {
  labels: Record<string, string>;
  value: number;
}

export interface FiringRule {
  name: string;
  expression: string;
  labels: Record<string, string>;
  state: string;
}

export interface Prometheus {
  /** Instant query; at is in milliseconds since the epoch, now by default. */
  query(expression: string, at?: number): Promise<Sample[]>;
  /** Alerting rules of this name. */
  alertingRules(name: string): Promise<FiringRule[]>;
  close(): Promise<void>;
}

const MAX_BYTES = 8 * 1024 * 1024;

/** @param url from the configuration, never from an alert */
export const createPrometheus = (options: { url: string; timeoutMs?: number; token?: string }): Prometheus => {
  const timeoutMs = options.timeoutMs ?? 5000;
  const dispatcher = new Agent({
    connections: 8,
    headersTimeout: timeoutMs,
    bodyTimeout: timeoutMs,
    maxResponseSize: MAX_BYTES,
  });
  const get = async <T>(path: string, parameters: Record<string, string>): Promise<T> => {
    try {
      const answer = await request(`${options.url.replace(/\/$/, '')}${path}?${new URLSearchParams(parameters)}`, {
        dispatcher,
        signal: AbortSignal.timeout(timeoutMs),
        headers: options.token === undefined ? {} : { authorization: `Bearer ${options.token}` },
      });
      const body = (await answer.body.json()) as { status: string; error?: string; data: T };
      if (body.status !== 'success')
        throw new PrometheusError(`Prometheus answered ${answer.statusCode}: ${body.error ?? ''}`);
      return body.data;
    } catch (cause) {
      if (cause instanceof PrometheusError) throw cause;
      throw new PrometheusError(`Prometheus can't be asked: ${(cause as Error).message || (cause as Error).name}`, {
        cause,
      });
    }
  };
  return {
    async query(expression, at) {
      const time = at === undefined ? {} : { time: String(at / 1000) };
      const data = await get<{ resultType: string; result: unknown }>('/api/v1/query', { query: expression, ...time });
      if (data.resultType === 'scalar') return [{ labels: {}, value: Number((data.result as [number, string])[1]) }];
      return (data.result as { metric: Record<string, string>; value: [number, string] }[]).map((r) => ({
        labels: r.metric,
        value: Number(r.value[1]),
      }));
    },
    async alertingRules(name) {
      const data = await get<{
        groups: {
          rules: { name: string; query: string; labels?: Record<string, string>; state: string; type: string }[];
        }[];
      }>('/api/v1/rules', { type: 'alert' });
      return data.groups
        .flatMap((g) => g.rules)
        .filter((r) => r.type === 'alerting' && r.name === name)
        .map((r) => ({ name: r.name, expression: r.query, labels: r.labels ?? {}, state: r.state }));
    },
    close: () => dispatcher.destroy(),
  };
};
