import { z } from 'zod';
import type { Reason } from '../api/reasons.ts';

/** Prometheus could not be asked, said no, or said what is no evidence. */
export class PrometheusError extends Error {
  override name = 'PrometheusError';
  readonly reason: Extract<Reason, 'PrometheusUnreachable' | 'PrometheusBusy' | 'PartialData' | 'ExpressionRefused'>;

  constructor(reason: PrometheusError['reason'], message: string, options?: ErrorOptions) {
    super(message, options);
    this.reason = reason;
  }
}

const answer = z.object({
  status: z.string(),
  data: z.unknown().optional(),
  errorType: z.unknown().optional(),
  error: z.unknown().optional(),
  warnings: z.array(z.unknown()).nullish(),
  /** Of VictoriaMetrics. */
  isPartial: z.unknown().optional(),
});

/** The data of an answer of Prometheus' HTTP API, whatever it is. Throws PrometheusError unless it is whole. */
export const dataOf = (body: unknown): unknown => {
  const parsed = answer.safeParse(body);
  if (!parsed.success) throw new PrometheusError('PrometheusUnreachable', 'the answer is not one of Prometheus');
  const { status, data, errorType, error, warnings, isPartial } = parsed.data;
  if (status !== 'success') {
    const refused = errorType === 'bad_data' || errorType === 'execution';
    throw new PrometheusError(
      refused ? 'ExpressionRefused' : 'PrometheusUnreachable',
      refused ? `Prometheus refused the query: ${words(error)}` : `Prometheus failed: ${words(error ?? errorType)}`,
    );
  }
  // Thanos and Mimir answer with what they have, and say here what they miss. `infos` are remarks on style.
  const missing = (warnings ?? []).filter((warning) => !isRemark(warning));
  if (missing.length > 0)
    throw new PrometheusError('PartialData', `Prometheus answered with a warning: ${words(missing[0])}`);
  if (isPartial === true)
    throw new PrometheusError('PartialData', 'the answer is partial: a store of Prometheus was not read');
  return data;
};

/** Before `infos` existed (Prometheus 2.48 to 2.53) they were among the warnings. */
const isRemark = (warning: unknown): boolean => words(warning).startsWith('PromQL info: ');

/** Somebody else's text, for a message. */
export const words = (text: unknown): string =>
  (typeof text === 'string' ? text : `${JSON.stringify(text)}`).slice(0, 500);
