import { z } from 'zod';
import { dataOf, PrometheusError, words } from './answer.ts';

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
  /** Names of the labels that templates make. */
  templates?: readonly string[];
  /** Why Prometheus could not evaluate it the last time. */
  problem?: string;
  /** Where Prometheus read it. */
  file: string;
}

const texts = z.record(z.string(), z.string());
const point = z.tuple([z.number(), z.string()]);
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
  health: z.unknown().optional(),
  lastError: z.unknown().optional(),
});
const groups = z.object({
  groups: z.array(z.object({ file: z.string().default(''), rules: z.array(z.unknown()).nullish() })),
});

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

/** Alerting rules of this name; '': all of them. Rules that are none are passed over. */
export const alertingRulesOf = (body: unknown, name: string): AlertingRule[] => {
  const parsed = groups.safeParse(dataOf(body));
  if (!parsed.success) throw new PrometheusError('PrometheusUnreachable', 'the answer is no list of rules');
  return parsed.data.groups.flatMap(({ file, rules }) =>
    (rules ?? []).flatMap((one) => {
      const { success, data } = rule.safeParse(one);
      if (!success || (name !== '' && data.name !== name)) return [];
      const labels = Object.entries(data.labels ?? {});
      const templates = labels.flatMap(([label, value]) => (value.includes('{{') ? [label] : []));
      const found: AlertingRule = {
        name: data.name,
        expression: data.query,
        labels: Object.fromEntries(labels.filter(([label]) => !templates.includes(label))),
        file,
      };
      if (templates.length > 0) found.templates = templates;
      if (data.health === 'err') found.problem = words(data.lastError);
      return [found];
    }),
  );
};

/** As Go writes floats. */
const numberOf = (text: string): number => {
  if (text === '+Inf') return Number.POSITIVE_INFINITY;
  if (text === '-Inf') return Number.NEGATIVE_INFINITY;
  return /^[-+]?[0-9]/.test(text) ? Number(text) : Number.NaN;
};
