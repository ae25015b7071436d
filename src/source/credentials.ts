import type { KubeObject } from '../api/meta.ts';
import { ReasonError } from '../api/reason-error.ts';
import type { GitSourceSpec } from '../api/source.ts';
import type { Clouds } from '../cloud/clouds.ts';
import type { GitCredentials } from '../git/index.ts';
import { type KubeClient, KubeError, resources, type WatchCachePorts } from '../kube/index.ts';
import { isRecord } from '../ssa/field-set.ts';
import { type Login, loginOf } from './login.ts';
import { createVersionedReads, type ObjectName } from './versioned-reads.ts';

export type SecretName = ObjectName;

export interface Credentials {
  /** What the Secret says now; a request only when it changed. Rejects with ReasonError SecretNotFound. */
  read(secret: SecretName): Promise<GitCredentials>;
  /** The files of public keys that the Secret holds, by key; '' for what is none. Likewise. */
  publicKeys(secret: SecretName): Promise<Readonly<Record<string, string>>>;
  /** In the place of a Secret, where the source names a cloud; undefined where it does not. */
  login(spec: Pick<GitSourceSpec, 'url' | 'provider' | 'serviceAccountName'>, namespace: string): Login | undefined;
  /** Told of a Secret that was asked for and is another one now. */
  onChange(handler: (secret: SecretName) => void): void;
  stop(): Promise<void>;
}

/** Neither the releases of Helm nor the tokens of ServiceAccounts, which are most of a cluster's Secrets. */
const FIELDS = 'type!=helm.sh/release.v1,type!=kubernetes.io/service-account-token';

/** Remembered at a time; one that was forgotten costs a request. */
const MAX_SECRETS = 10_000;

/** Credentials of repositories, read again only when their Secret changes. */
export const createCredentials = (client: KubeClient, clouds: Clouds, ports: WatchCachePorts): Credentials => {
  const options = {
    fieldSelector: FIELDS,
    max: MAX_SECRETS,
    take: (object: KubeObject, key: string): Useful => ({
      credentials: credentialsIn(key, object),
      publicKeys: publicKeysIn(object),
    }),
  };
  const secrets = createVersionedReads(client, resources.secrets, options, ports);
  const usefulIn = async (secret: SecretName): Promise<Useful> => {
    const key = `${secret.namespace}/${secret.name}`;
    const useful = await secrets.read(secret).catch((error: unknown) => {
      if (!(error instanceof KubeError) || error.status === 0) throw error; // no answer is none of the Secret's faults
      throw new ReasonError('SecretNotFound', `Secret ${key} can't be read: ${error.message}`);
    });
    if (!useful) throw new ReasonError('SecretNotFound', `Secret ${key} does not exist`);
    return useful;
  };
  return {
    async read(secret) {
      const { credentials } = await usefulIn(secret);
      if (credentials instanceof Error) throw credentials;
      return credentials;
    },
    login: (spec, namespace) => loginOf(spec, namespace, { clouds, clock: ports.clock }),
    publicKeys: async (secret) => (await usefulIn(secret)).publicKeys,
    onChange: secrets.onChange,
    stop: secrets.stop,
  };
};

/** What is kept of a Secret: nobody knows yet what it is read for. */
interface Useful {
  credentials: GitCredentials | ReasonError;
  publicKeys: Readonly<Record<string, string>>;
}

const PUBLIC_KEY = /-----BEGIN PGP PUBLIC KEY BLOCK-----|(^|\s)(ssh|ecdsa)-[a-z0-9-]+ AAAA/;
const PRIVATE_KEY = /PRIVATE KEY/;

const publicKeysIn = ({ data }: KubeObject): Record<string, string> =>
  Object.fromEntries(
    Object.entries(isRecord(data) ? data : {}).map(([key, value]) => {
      const text = Buffer.from(typeof value === 'string' ? value : '', 'base64').toString();
      return [key, PUBLIC_KEY.test(text) && !PRIVATE_KEY.test(text) ? text : ''];
    }),
  );

/** Who it is when it changes by the hour is in no Secret. */
type FieldOfSecret = Exclude<keyof GitCredentials, 'account'>;

/** Keys of the Secret; the first that is there counts. They are those of Flux's Git Secrets, the older ones too, and `token`. */
const KEYS: Readonly<Record<FieldOfSecret, readonly string[]>> = {
  username: ['username'],
  password: ['password'],
  token: ['bearerToken', 'token'],
  ca: ['ca.crt', 'caFile'],
  cert: ['tls.crt', 'certFile'],
  key: ['tls.key', 'keyFile'],
  appId: ['githubAppID'],
  appInstallationId: ['githubAppInstallationID'],
  appInstallationOwner: ['githubAppInstallationOwner'],
  appPrivateKey: ['githubAppPrivateKey'],
  appBaseUrl: ['githubAppBaseURL'],
  identity: ['identity'],
  knownHosts: ['known_hosts'],
};

const credentialsIn = (secret: string, { data }: KubeObject): GitCredentials | ReasonError => {
  const values = isRecord(data) ? data : {};
  const credentials: GitCredentials = {};
  for (const field of FIELDS_OF_CREDENTIALS) {
    const value = KEYS[field].map((key) => values[key]).find((text) => typeof text === 'string');
    if (typeof value === 'string') credentials[field] = Buffer.from(value, 'base64').toString();
  }
  const { username: _, ...useful } = credentials;
  if (Object.keys(useful).length === 0)
    return new ReasonError('SecretNotFound', `Secret ${secret} has none of ${USEFUL}; ${keysIn(values)}`);
  return credentials;
};

const FIELDS_OF_CREDENTIALS = Object.keys(KEYS) as FieldOfSecret[];
const USEFUL =
  'password (with username), bearerToken, token, ca.crt, caFile, tls.crt (with tls.key), identity (with known_hosts) and githubAppID';
const NAMED = 5;

/** Their names; what they hold is in no message. */
const keysIn = (values: Record<string, unknown>): string => {
  const keys = Object.keys(values).toSorted();
  if (keys.length === 0) return 'it is empty';
  const more = keys.length > NAMED ? ` and ${keys.length - NAMED} more` : '';
  return `its keys are ${keys.slice(0, NAMED).join(', ')}${more}`;
};
