import type { Notification } from '../api/notification.ts';
import { type KubeClient, KubeError, resources } from '../kube/index.ts';
import { isRecord } from '../ssa/field-set.ts';
import { SinkError } from './sink-error.ts';

/** What the Secret of a sink says, by key. */
export type SinkSecret = Readonly<Partial<Record<(typeof KEYS)[number], string>>>;

/** Those of Flux's Providers, and one to sign with. */
const KEYS = ['address', 'token', 'signingSecret', 'ca.crt'] as const;

/**
 * Reads the Secret that the sink names, in the namespace of the Notification and in no other. Rejects with SinkError; with
 * KubeError where the API server does not answer.
 */
export const readSecret = async (
  { metadata, spec }: Notification,
  client: Pick<KubeClient, 'get'>,
): Promise<SinkSecret> => {
  const [sink] = Object.values(spec.sink).filter((member) => member !== undefined);
  const name = sink?.secretRef?.name;
  if (name === undefined) return {};
  const { namespace = '' } = metadata;
  const found = await client.get(resources.secrets, { namespace, name }).catch((error: unknown) => {
    if (!(error instanceof KubeError) || error.status === 0) throw error;
    throw new SinkError('SecretNotFound', `Secret ${name} can't be read: ${error.message}`);
  });
  if (!found) throw new SinkError('SecretNotFound', `Secret ${name} does not exist`);
  const data = isRecord(found.data) ? found.data : {};
  return Object.fromEntries(
    KEYS.flatMap((key) => {
      const value = data[key];
      return typeof value === 'string' ? [[key, Buffer.from(value, 'base64').toString().trim()]] : [];
    }),
  );
};

/** The value of a key. Throws SinkError where the Secret has none. */
export const keyOf = (secret: SinkSecret, key: keyof SinkSecret): string => {
  const value = secret[key];
  if (value === undefined || value === '')
    throw new SinkError('SecretNotFound', `the Secret of the sink has no key ${key}`);
  return value;
};

/** A URL that a person wrote. Throws SinkError, whose message has no part of it: it may be a secret. */
export const urlOf = (text: string, where: string): URL => {
  const url = URL.parse(text);
  if (url && /^https?:$/.test(url.protocol) && url.username === '' && url.password === '') return url;
  throw new SinkError('SecretNotFound', `${where} is no http or https URL without user and password`);
};
