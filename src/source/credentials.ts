import type { KubeObject } from '../api/meta.ts';
import { ReasonError } from '../api/reason-error.ts';
import type { GitCredentials } from '../git/index.ts';
import {
  createWatchCache,
  type KubeClient,
  KubeError,
  resources,
  type WatchCache,
  type WatchCachePorts,
} from '../kube/index.ts';
import { isRecord } from '../ssa/field-set.ts';

export interface SecretName {
  namespace: string;
  name: string;
}

export interface Credentials {
  /** What the Secret says now; a request only when it changed. Rejects with ReasonError SecretNotFound. */
  read(secret: SecretName): Promise<GitCredentials>;
  /** Told of a Secret that was asked for and is another one now. */
  onChange(handler: (secret: SecretName) => void): void;
  stop(): Promise<void>;
}

/** Neither the releases of Helm nor the tokens of ServiceAccounts, which are most of a cluster's Secrets. */
const FIELDS = 'type!=helm.sh/release.v1,type!=kubernetes.io/service-account-token';

/** Remembered at a time; one that was forgotten costs a request. */
const MAX_SECRETS = 10_000;

/**
 * Credentials by the version of their Secret: one watch of metadata says when one has to be read again, so that a look
 * costs no request. It begins with the first Secret that is asked for, and of others it keeps names and versions.
 */
export const createCredentials = (client: KubeClient, ports: WatchCachePorts): Credentials => {
  /** The newest last. Without credentials: it was asked for, and there were none. */
  const known = new Map<string, { version?: string | undefined; credentials?: GitCredentials }>();
  const handlers: ((secret: SecretName) => void)[] = [];
  let watch: WatchCache | undefined;
  let listed = false;

  const start = (): WatchCache => {
    const options = { metadataOnly: true, fieldSelector: FIELDS, trim: nameAndVersion };
    const cache = createWatchCache(client, resources.secrets, options, ports);
    cache.ready().then(
      () => {
        listed = true;
      },
      () => {}, // stopped before its first list: nobody reads any more
    );
    cache.onChange((secret, previous) => {
      const { namespace = '', name = '' } = (secret ?? previous)?.metadata ?? {};
      const before = known.get(`${namespace}/${name}`);
      if (!before || before.version === secret?.metadata.resourceVersion) return;
      for (const handler of handlers) handler({ namespace, name });
    });
    return cache;
  };
  const remember = (key: string, entry: { version?: string | undefined; credentials?: GitCredentials }): void => {
    known.delete(key);
    known.set(key, entry);
    const [oldest] = known.keys();
    if (known.size > MAX_SECRETS && oldest !== undefined) known.delete(oldest);
  };

  return {
    async read(secret) {
      watch ??= start();
      const key = `${secret.namespace}/${secret.name}`;
      const before = known.get(key);
      const version = watch.get(secret)?.metadata.resourceVersion;
      if (listed && before?.credentials && before.version === version) return before.credentials;
      remember(key, {});
      const found = await client.get(resources.secrets, secret).catch((error: unknown) => {
        if (!(error instanceof KubeError) || error.status === 0) throw error; // no answer is none of the Secret's faults
        throw new ReasonError('SecretNotFound', `Secret ${key} can't be read: ${error.message}`);
      });
      if (!found) throw new ReasonError('SecretNotFound', `Secret ${key} does not exist`);
      const credentials = credentialsIn(key, found);
      remember(key, { version: found.metadata.resourceVersion, credentials });
      return credentials;
    },
    onChange: (handler) => void handlers.push(handler),
    stop: async () => watch?.stop(),
  };
};

/** Keys of the Secret; the first that is there counts. They are those of Flux's Git Secrets, the older ones too, and `token`. */
const KEYS: Readonly<Record<keyof GitCredentials, readonly string[]>> = {
  username: ['username'],
  password: ['password'],
  token: ['bearerToken', 'token'],
  ca: ['ca.crt', 'caFile'],
};

const credentialsIn = (secret: string, { data }: KubeObject): GitCredentials => {
  const values = isRecord(data) ? data : {};
  const credentials: GitCredentials = {};
  for (const field of FIELDS_OF_CREDENTIALS) {
    const value = KEYS[field].map((key) => values[key]).find((text) => typeof text === 'string');
    if (typeof value === 'string') credentials[field] = Buffer.from(value, 'base64').toString();
  }
  const { password, token, ca } = credentials;
  if (password === undefined && token === undefined && ca === undefined)
    throw new ReasonError('SecretNotFound', `Secret ${secret} has none of ${USEFUL}; ${keysIn(values)}`);
  return credentials;
};

const FIELDS_OF_CREDENTIALS = Object.keys(KEYS) as (keyof GitCredentials)[];
const USEFUL = 'password (with username), bearerToken, token, ca.crt and caFile';
const NAMED = 5;

/** Their names; what they hold is in no message. */
const keysIn = (values: Record<string, unknown>): string => {
  const keys = Object.keys(values).toSorted();
  if (keys.length === 0) return 'it is empty';
  const more = keys.length > NAMED ? ` and ${keys.length - NAMED} more` : '';
  return `its keys are ${keys.slice(0, NAMED).join(', ')}${more}`;
};

/** Annotations may hold the whole Secret again, as kubectl applied it. */
const nameAndVersion = ({ apiVersion, kind, metadata }: KubeObject): KubeObject => {
  const { namespace, name, resourceVersion } = metadata;
  return {
    apiVersion,
    kind,
    metadata: { name, ...(namespace && { namespace }), ...(resourceVersion && { resourceVersion }) },
  };
};
