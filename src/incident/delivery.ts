import { z } from 'zod';
import type { Evidence } from '../api/incident.ts';
import { hashOf } from '../snapshot/index.ts';

const labels = z.record(z.string(), z.string());

/** Alertmanager's webhook, version 4. Unknown fields are ordinary: newer versions add some. */
const delivery = z.object({
  version: z.string().optional(),
  truncatedAlerts: z.number().optional(),
  alerts: z
    .array(
      z.object({
        status: z.enum(['firing', 'resolved']),
        labels,
        startsAt: z.string().optional(),
        fingerprint: z.string().optional(),
      }),
    )
    .max(10_000),
});

export interface Alert {
  status: 'firing' | 'resolved';
  labels: Record<string, string>;
  fingerprint: string;
  /** Only when it is a time. */
  startsAt: string | undefined;
}

/** The alerts of a delivery; a text that says what is wrong when the body is none. */
export const parseDelivery = (body: unknown): Alert[] | string => {
  const parsed = delivery.safeParse(body);
  if (!parsed.success)
    return `not an Alertmanager webhook of version 4: ${z.prettifyError(parsed.error).split('\n').slice(0, 2).join(' ')}`;
  return parsed.data.alerts.map(({ status, labels: l, fingerprint, startsAt }) => ({
    status,
    labels: bounded(l),
    fingerprint: (fingerprint ?? hashOf(l)).slice(0, 128),
    startsAt: isTime(startsAt) ? new Date(startsAt as string).toISOString() : undefined,
  }));
};

const isTime = (text: string | undefined): boolean => text !== undefined && Date.parse(text) > 0;

/** An alert is somebody else's text: so much of it is kept and no more. */
const bounded = (l: Record<string, string>): Record<string, string> =>
  Object.fromEntries(
    Object.entries(l)
      .slice(0, 64)
      .map(([k, v]) => [k.slice(0, 128), v.slice(0, 512)]),
  );

const MAX_EVIDENCE = 64;

/** The evidence with one more delivery: counted where it is known, added where it is new. */
export const withAlert = (evidence: readonly Evidence[], alert: Alert, now: string): Evidence[] => {
  const known = evidence.find((e) => e.fingerprint === alert.fingerprint);
  const entry: Evidence = {
    source: 'Alertmanager',
    fingerprint: alert.fingerprint,
    alert: (alert.labels.alertname ?? '').slice(0, 256),
    status: alert.status,
    labels: alert.labels,
    received: known?.received ?? now,
    lastReceived: now,
    deliveries: (known?.deliveries ?? 0) + 1,
    ...(alert.startsAt === undefined ? {} : { startsAt: alert.startsAt }),
  };
  return known ? evidence.map((e) => (e === known ? entry : e)) : [...evidence, entry].slice(0, MAX_EVIDENCE);
};
