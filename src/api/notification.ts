import { z } from 'zod';
import { conditions, localName, observedGeneration, time } from './common.ts';
import type { KubeObject, ObjectMeta } from './meta.ts';
import { oneOf } from './union.ts';

/** Kinds whose objects people are notified of. */
export const NOTIFIED_KINDS = ['Incident', 'Hold', 'GitSync'] as const;
export type NotifiedKind = (typeof NOTIFIED_KINDS)[number];

const events = z.strictObject({
  kind: z
    .enum(NOTIFIED_KINDS)
    .describe(
      'Of the objects. Incident: each entry of its timeline. Hold: its target runs, another release runs, it is overdue or contested. GitSync: it comes to be ready or not, or a revision is held.',
    ),
  reasons: z
    .array(
      z
        .string()
        .regex(/^[A-Z][A-Za-z]+$/)
        .max(64)
        .meta({ patternMessage: 'a reason is one of the catalogue in docs/reference.md, e.g. RolledBack' }),
    )
    .max(64)
    .default([])
    .describe('Reasons, e.g. RolledBack. Empty: all.'),
});

const url = z
  .string()
  .regex(/^https?:\/\/[^\s@]+$/)
  .max(2048)
  .meta({ patternMessage: 'url is http:// or https:// without user or password in it' });

const secret = (keys: string) =>
  z.strictObject({ name: localName.describe('Its name.') }).describe(`Secret of this namespace: ${keys}`);
const CA = 'ca.crt for a private CA.';

const webhook = z
  .strictObject({
    url: url.optional().describe('Where the events are posted to. Without it the Secret has the key address.'),
    secretRef: secret(
      `address, where the URL is itself a secret; signingSecret (whsec_... or any text), by which each request is signed as Standard Webhooks says; token, sent as bearer token; ${CA}`,
    ).optional(),
  })
  .meta({
    'x-kubernetes-validations': [
      {
        rule: 'has(self.url) || has(self.secretRef)',
        message: 'set url, or secretRef to a Secret with the key address',
      },
    ],
  });
const chat = z.strictObject({ secretRef: secret(`address, the URL of the incoming webhook; ${CA}`) });
const git = <Base extends z.ZodType>(base: Base) =>
  z.strictObject({ url: base, secretRef: secret(`token, that may write commit statuses; ${CA}`) });

export const sinkSpec = oneOf({
  cloudEvents: webhook.optional().describe('CloudEvents 1.0 over HTTP in structured mode.'),
  slack: chat.optional().describe('An incoming webhook of Slack, Mattermost or Rocket.Chat.'),
  teams: chat.optional().describe('A workflow of Microsoft Teams that posts Adaptive Cards.'),
  gitHub: git(
    url.default('https://api.github.com').describe('Base of the API; https://HOST/api/v3 of an Enterprise Server.'),
  )
    .optional()
    .describe('Commit statuses of GitHub.'),
  gitLab: git(url.default('https://gitlab.com').describe('URL of the server.'))
    .optional()
    .describe('Commit statuses of GitLab.'),
  gitea: git(url.describe('URL of the server.')).optional().describe('Commit statuses of Gitea or Forgejo.'),
  grafana: z
    .strictObject({
      url: url.describe('URL of the server.'),
      secretRef: secret(`token of a service account that may write annotations; ${CA}`),
      dashboardUID: z
        .string()
        .min(1)
        .max(40)
        .optional()
        .describe('Only on this dashboard. Without it on every dashboard that shows annotations by the tag metricops.'),
    })
    .optional()
    .describe('Annotations of Grafana: a region from the release to its recovery, a point for every other event.'),
});
export type SinkSpec = z.infer<typeof sinkSpec>;
export type SinkName = keyof SinkSpec;

export const notificationSpec = z.strictObject({
  events: z.array(events).min(1).max(8).describe('What is sent: whatever one of them names.'),
  sink: sinkSpec.describe('Where to.'),
  suspend: z
    .boolean()
    .default(false)
    .describe('Send nothing. What happens meanwhile is sent afterwards, unless it is older than a day.'),
});
export type NotificationSpec = z.infer<typeof notificationSpec>;

export const notificationStatus = z.strictObject({
  observedGeneration,
  conditions: conditions
    .optional()
    .describe('Ready: the sink can be reached as far as the last event showed. Delivered: no event waits.'),
  settledTime: time
    .optional()
    .describe(
      'Every event until then is delivered, or given up. None: everything since this object was created is sent.',
    ),
  delivered: z
    .array(
      z.strictObject({
        id: z.string().max(64).describe('Of the event: its idempotency key.'),
        time: time.describe('When it happened.'),
      }),
    )
    .max(512)
    .optional()
    .describe('Events after settledTime that are delivered, or given up.'),
  lastDeliveryTime: time.optional().describe('When an event was last delivered.'),
});
export type NotificationStatus = z.infer<typeof notificationStatus>;

export interface Notification extends KubeObject {
  metadata: ObjectMeta;
  spec: NotificationSpec;
  status?: NotificationStatus;
}
