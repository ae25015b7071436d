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

export interface Sample {
  labels: Record<string, string>;
  value: number;
}

/** What a range query says of one series. */
export interface Series {
  labels: Record<string, string>;
  /** Oldest first; at is in milliseconds since the epoch. A step without a sample has no point. */
  points: { at: number; value: number }[];
}

export interface AlertingRule {
  name: string;
  expression: string;
  /** Without those that templates make. */
  labels: Record<string, string>;
  /** Where Prometheus read it. */
  file: string;
}

const texts = z.record(z.string(), z.string());
const point = z.tuple([z.number(), z.string()]);
const answer = z.object({
  status: z.string(),
  data: z.unknown().optional(),
  errorType: z.unknown().optional(),
  error: z.unknown().optional(),
  warnings: z.array(z.unknown()).nullish(),
  /** Of VictoriaMetrics. */
  isPartial: z.unknown().optional(),
});
const vector = z.object({
  resultType: z.literal('vector'),
  result: z.array(z.object({ metric: texts.default({}), value: point.optional() })),
});
const matrix = z.object({
  resultType: z.literal('matrix'),
  result: z.array(
    z.object({
      metric: texts.default({}),
      values: z.array(point).default([]),
      histograms: z.array(z.unknown()).default([]),
    }),
  ),
});
const scalar = z.object({ resultType: z.literal('scalar'), result: point });
const rule = z.object({
  type: z.literal('alerting'),
  name: z.string(),
  query: z.string(),
  labels: texts.nullish(),
});
const groups = z.object({
  groups: z.array(z.object({ file: z.string().default(''), rules: z.array(z.unknown()).nullish() })),
});

/** The data of an answer of Prometheus' HTTP API, whatever it is. Throws PrometheusError unless it is whole. */
const dataOf = (body: unknown): unknown => {
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

/** Of an instant query: a vector, or a scalar as one sample without labels. */
export const samplesOf = (body: unknown): Sample[] => {
  const data = dataOf(body);
  const one = scalar.safeParse(data);
  if (one.success) return [{ labels: {}, value: numberOf(one.data.result[1]) }];
  const many = vector.safeParse(data);
  if (!many.success) throw refusalOf(data, 'instant vector');
  return many.data.result.map(({ metric, value }) => {
    if (!value) throw histograms();
    return { labels: metric, value: numberOf(value[1]) };
  });
};

/** Of a range query. */
export const seriesOf = (body: unknown): Series[] => {
  const data = dataOf(body);
  const many = matrix.safeParse(data);
  if (!many.success) throw refusalOf(data, 'range vector');
  return many.data.result.map(({ metric, values, histograms: others }) => {
    if (others.length > 0) throw histograms();
    return { labels: metric, points: values.map(([seconds, text]) => ({ at: seconds * 1000, value: numberOf(text) })) };
  });
};

const refusalOf = (data: unknown, wanted: string): PrometheusError => {
  if (data === undefined || data === null)
    return new PrometheusError('PrometheusUnreachable', 'Prometheus answered with success, and no data');
  const { resultType } = z.object({ resultType: z.unknown().optional() }).catch({}).parse(data);
  return new PrometheusError('ExpressionRefused', `the answer is no ${wanted} but ${words(resultType)}`);
};

const histograms = (): PrometheusError =>
  new PrometheusError('ExpressionRefused', 'the answer has native histograms, not numbers');

/** Alerting rules of this name. Rules that are none are passed over. */
export const alertingRulesOf = (body: unknown, name: string): AlertingRule[] => {
  const parsed = groups.safeParse(dataOf(body));
  if (!parsed.success) throw new PrometheusError('PrometheusUnreachable', 'the answer is no list of rules');
  return parsed.data.groups.flatMap(({ file, rules }) =>
    (rules ?? []).flatMap((one) => {
      const { success, data } = rule.safeParse(one);
      return success && data.name === name
        ? [{ name, expression: data.query, labels: withoutTemplates(data.labels ?? {}), file }]
        : [];
    }),
  );
};

const withoutTemplates = (labels: Record<string, string>): Record<string, string> =>
  Object.fromEntries(Object.entries(labels).filter(([, value]) => !value.includes('{{')));

/** As Go writes floats. */
const numberOf = (text: string): number => {
  if (text === '+Inf') return Number.POSITIVE_INFINITY;
  if (text === '-Inf') return Number.NEGATIVE_INFINITY;
  return /^[-+]?[0-9]/.test(text) ? Number(text) : Number.NaN;
};

/** Somebody else's text, for a message. */
const words = (text: unknown): string => (typeof text === 'string' ? text : `${JSON.stringify(text)}`).slice(0, 500);
