import { setImmediate } from 'node:timers/promises';
import { z } from 'zod';
import type { AlertLinks, Evidence } from '../api/incident.ts';
import { hashOf } from '../snapshot/index.ts';
import { boundedLabels } from './labels.ts';
import { linksOf } from './links.ts';

/** Alertmanager's webhook, version 4. Unknown fields are ordinary: newer versions add some. */
const delivery = z.object({
  version: z.string().optional(),
  truncatedAlerts: z.int().min(0).catch(0),
  alerts: z.array(z.unknown()),
});
const alert = z.object({
  status: z.enum(['firing', 'resolved']),
  labels: z.unknown().transform((labels, context) => {
    const kept = boundedLabels(labels);
    if (!kept) context.addIssue('labels are texts by name');
    return kept ?? {};
  }),
  startsAt: z.iso.datetime({ offset: true }).optional().catch(undefined),
  endsAt: z.iso.datetime({ offset: true }).optional().catch(undefined),
  generatorURL: z.unknown().optional(),
  annotations: z.unknown().optional(),
});

export interface Alert {
  /** Alertmanager, where nothing else is said. */
  source?: Evidence['source'];
  status: 'firing' | 'resolved';
  /** Bounded. */
  labels: Record<string, string>;
  /** Of the labels: one that came from outside could be that of another alert. */
  fingerprint: string;
  /** Only when it is a time that has come. */
  startsAt: string | undefined;
  /** Of one that is resolved, where it is said. */
  endsAt?: string | undefined;
  /** Those that are links. */
  links?: AlertLinks | undefined;
}

export interface Delivery {
  alerts: Alert[];
  /** Alerts that are none. */
  invalid: number;
  /** Alerts that were left out: by Alertmanager (max_alerts), or here. */
  truncated: number;
}

/** One notification of Alertmanager; the others of a delivery are left out. */
const MAX_ALERTS = 10_000;
/** What is done between two turns of the event loop. */
export const ALERTS_A_TURN = 250;

/** A delivery; a text that says what is wrong when the body is none. One bad alert does not cost the others. */
export const parseDelivery = async (body: unknown, now: number): Promise<Delivery | string> => {
  const envelope = delivery.safeParse(body);
  if (!envelope.success) return refusal(envelope.error);
  const sent = envelope.data.alerts;
  const alerts: Alert[] = [];
  let invalid = 0;
  let wrong: z.ZodError | undefined;
  for (const [i, one] of sent.slice(0, MAX_ALERTS).entries()) {
    if (i % ALERTS_A_TURN === ALERTS_A_TURN - 1) await setImmediate();
    const parsed = alert.safeParse(one);
    if (parsed.success) alerts.push(withFingerprint(parsed.data, now));
    else {
      invalid += 1;
      wrong ??= parsed.error;
    }
  }
  if (alerts.length === 0 && wrong) return refusal(wrong);
  return { alerts, invalid, truncated: envelope.data.truncatedAlerts + Math.max(0, sent.length - MAX_ALERTS) };
};

const withFingerprint = (sent: z.infer<typeof alert>, now: number): Alert => {
  const { status, labels, startsAt, endsAt } = sent;
  const links = linksOf(sent);
  return {
    status,
    labels,
    fingerprint: hashOf(labels).slice(0, 32),
    startsAt: begun(startsAt, now),
    ...(status === 'resolved' && { endsAt: begun(endsAt, now) }),
    ...(links && { links }),
  };
};

const refusal = (error: z.ZodError): string =>
  `not an Alertmanager webhook of version 4: ${z.prettifyError(error).split('\n').slice(0, 2).join(' ').slice(0, 500)}`;

/** The zero time of Go means none. What is to begin later, by another clock, begins now. */
const begun = (text: string | undefined, now: number): string | undefined => {
  const time = Date.parse(text ?? '');
  return time > 0 ? new Date(Math.min(time, now)).toISOString() : undefined;
};
