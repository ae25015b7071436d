import { createHmac } from 'node:crypto';
import { API_VERSION } from '../../api/annotations.ts';
import { kinds } from '../../api/crd.ts';
import type { Notice } from '../notice.ts';
import type { SinkSecret } from '../sink-secret.ts';

/**
 * CloudEvents 1.0 in structured mode (https://github.com/cloudevents/spec/blob/v1.0.2/cloudevents/bindings/http-protocol-binding.md).
 * `id` is the same each time the event is sent.
 *
 * @param cluster of the label that names the cluster, where one is configured
 */
export const cloudEvent = (notice: Notice, cluster: string | undefined): Record<string, unknown> => {
  const { id, time, kind, namespace, name, workload, commits, ...data } = notice;
  const path = `/apis/${API_VERSION}/namespaces/${namespace}/${pluralOf(kind)}/${name}`;
  return {
    specversion: '1.0',
    id,
    source: cluster === undefined ? path : `//${encodeURIComponent(cluster)}${path}`,
    type: `dev.metricops.${kind.toLowerCase()}.${notice.reason}`,
    ...(workload ? { subject: `${workload.kind.toLowerCase()}/${workload.name}` } : {}),
    time,
    datacontenttype: 'application/json',
    data: {
      object: { apiVersion: API_VERSION, kind, namespace, name },
      ...(workload ? { workload } : {}),
      ...data,
      commits: commits.map(({ sha, repository, state, description }) => ({ sha, repository, state, description })),
    },
  };
};

/**
 * Headers of Standard Webhooks (https://github.com/standard-webhooks/standard-webhooks/blob/main/spec/standard-webhooks.md):
 * HMAC-SHA256 over id, time and body, so that nobody else can send one, or this one again much later.
 */
export const signatureOf = (
  { id, body }: { id: string; body: string },
  { signingSecret }: Pick<SinkSecret, 'signingSecret'>,
  now: number,
): Record<string, string> => {
  const timestamp = String(Math.floor(now / 1000));
  const identity = { 'webhook-id': id, 'webhook-timestamp': timestamp };
  if (signingSecret === undefined || signingSecret === '') return identity;
  const key = signingSecret.startsWith(PREFIX)
    ? Buffer.from(signingSecret.slice(PREFIX.length), 'base64')
    : Buffer.from(signingSecret);
  const signature = createHmac('sha256', key).update(`${id}.${timestamp}.${body}`).digest('base64');
  return { ...identity, 'webhook-signature': `v1,${signature}` };
};

const PREFIX = 'whsec_';

/** As in the path of the API. */
const pluralOf = (kind: string): string => kinds.find((each) => each.kind === kind)?.plural ?? kind.toLowerCase();
