import { API_VERSION } from '../api/annotations.ts';
import type { Incident } from '../api/incident.ts';
import type { KubeObject } from '../api/meta.ts';

const TYPE = 'metricops.dev/logs';

/** With the logs of an incident, in its namespace. */
export const secretName = ({ metadata }: Incident): string => `metricops-logs-${metadata.name}`;

/** Deleted with its incident. The message is in it for a leader that died before it wrote the status. */
export const newSecret = (incident: Incident, log: string, message: string): KubeObject => {
  const { namespace = '', name, uid = '' } = incident.metadata;
  return {
    apiVersion: 'v1',
    kind: 'Secret',
    metadata: {
      namespace,
      name: secretName(incident),
      ownerReferences: [{ apiVersion: API_VERSION, kind: 'Incident', name, uid }],
    },
    type: TYPE,
    immutable: true,
    data: { log: encoded(log), message: encoded(message) },
  };
};

/** Whether the Secret is the one that was made for this incident. */
export const isOfIncident = (secret: KubeObject, { metadata }: Incident): boolean =>
  secret.type === TYPE && (secret.metadata.ownerReferences ?? []).some(({ uid }) => uid === metadata.uid);

/** Undefined where it has none. */
export const logOf = (secret: KubeObject): string | undefined => decoded(secret, 'log');

export const messageOf = (secret: KubeObject): string | undefined => decoded(secret, 'message');

const encoded = (text: string): string => Buffer.from(text).toString('base64');

const decoded = ({ data }: KubeObject, key: string): string | undefined => {
  const value = (data as Record<string, string> | undefined)?.[key];
  return value === undefined ? undefined : Buffer.from(value, 'base64').toString('utf8');
};
