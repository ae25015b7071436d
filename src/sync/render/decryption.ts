import { createHmac } from 'node:crypto';
import type { VaultSpec } from '../../api/decryption.ts';
import type { GitSync } from '../../api/gitsync.ts';
import type { KubeObject } from '../../api/meta.ts';
import type { PlatformPolicySpec } from '../../api/platform-policy.ts';
import { ReasonError } from '../../api/reason-error.ts';
import { tokenOf } from '../../cloud/account-token.ts';
import type { Clouds } from '../../cloud/clouds.ts';
import type { Account } from '../../cloud/types.ts';
import { type KubeClient, KubeError, resources, type WatchCachePorts } from '../../kube/index.ts';
import { accessTo } from '../../policy/outbound.ts';
import { writerOf } from '../../policy/writer.ts';
import { keyServicesFor } from '../../sops/key-services.ts';
import type { PrivateKey, ReadDecryption, VaultAccess } from '../../sops/types.ts';
import { logIn } from '../../sops/vault.ts';
import { createVersionedReads, type ObjectName } from '../../source/versioned-reads.ts';

export interface DecryptionReader {
  /** undefined where the GitSync decrypts nothing. Rejects with ReasonError, or with KubeError. */
  of(sync: GitSync): Promise<ReadDecryption | undefined>;
  /** Called for a Secret that was asked for and is another one now. */
  onChange(handler: (name: ObjectName) => void): void;
  stop(): Promise<void>;
}

export interface DecryptionPorts extends WatchCachePorts {
  clouds: Clouds;
  digestKey: Uint8Array;
  policy: () => PlatformPolicySpec;
  /** Where the controller itself is installed. */
  systemNamespace: string;
}

/** Secrets whose keys are remembered; one that was forgotten costs a request. */
const MAX_SECRETS = 500;
/** Of one Secret. */
const MAX_BYTES = 256 * 1024;
/** Neither the releases of Helm nor the tokens of ServiceAccounts, which are most of a cluster's Secrets. */
const FIELDS = 'type!=helm.sh/release.v1,type!=kubernetes.io/service-account-token';

/** What GitSyncs decrypt with: read as whoever the GitSync writes as, and again only when it changed. */
export const createDecryption = (
  client: KubeClient,
  { clouds, digestKey, policy, systemNamespace, ...ports }: DecryptionPorts,
): DecryptionReader => {
  const options = { fieldSelector: FIELDS, max: MAX_SECRETS, take: entriesOf };
  const secrets = createVersionedReads(client, resources.secrets, options, ports);

  const read = async (sync: GitSync, name: string): Promise<Entries> => {
    const { namespace = '' } = sync.metadata;
    const reader = { id: sync.spec.serviceAccountName ?? '', client: writerOf(sync, client) };
    const what = `Secret ${namespace}/${name} of spec.decryption`;
    const entries = await secrets.read({ namespace, name }, reader).catch((error: unknown) => {
      if (!(error instanceof KubeError) || error.status === 0) throw error; // no answer is none of the Secret's faults
      throw new ReasonError('DecryptionKeysNotFound', `${what} can't be read: ${error.message}`);
    });
    if (entries) return entries;
    throw new ReasonError('DecryptionKeysNotFound', `${what} does not exist`);
  };

  const jwtOf = async (sync: GitSync, audience: string): Promise<string> => {
    const account = accountOf(sync);
    if (account) return tokenOf(account, audience, client, 'DecryptionKeysNotFound');
    const what = 'spec.decryption.vault.role needs spec.serviceAccountName: Vault knows the role by that account';
    throw new ReasonError('DecryptionKeysNotFound', what);
  };

  const vaultOf = (sync: GitSync, spec: VaultSpec, { token, ca }: ReturnType<typeof keysIn>): VaultAccess => {
    const { namespace = '' } = sync.metadata;
    const { address, role, loginPath, audience = address } = spec;
    const { lookup } = accessTo(new URL(address), {
      hosts: policy().decryption.allowedHosts,
      isPlatform: namespace === systemNamespace,
      who: 'Calls of Vault',
      setting: 'decryption.allowedHosts',
    });
    const access = { address, ca, lookup };
    return {
      ...access,
      async token() {
        if (role !== undefined) return logIn(access, { loginPath, role, jwt: await jwtOf(sync, audience) });
        if (token !== undefined) return token;
        const what = 'spec.decryption.vault has no role, and no Secret of spec.decryption the key sops.vault-token';
        throw new ReasonError('DecryptionKeysNotFound', `${what}: set one of them`);
      },
    };
  };

  return {
    async of(sync) {
      const { decryption } = sync.spec;
      if (!decryption) return undefined;
      const { secretRef, vault } = decryption;
      const account = accountOf(sync);
      const entries = secretRef ? await read(sync, secretRef.name) : [];
      const keys = keysIn(entries);
      const digest = createHmac('sha256', digestKey).update(JSON.stringify(entries));
      return {
        from: secretRef ? `Secret ${sync.metadata.namespace}/${secretRef.name}` : 'spec.decryption',
        keys,
        vault: vault && vaultOf(sync, vault, keys),
        services: account && keyServicesFor(account, { clouds, clock: ports.clock }),
        digest: digest.digest('hex').slice(0, 16),
      };
    },
    onChange: secrets.onChange,
    stop: secrets.stop,
  };
};

const accountOf = ({ spec, metadata }: GitSync): Account | undefined =>
  spec.serviceAccountName === undefined
    ? undefined
    : { namespace: metadata.namespace ?? '', name: spec.serviceAccountName };

type Entries = readonly [name: string, value: string][];

const entriesOf = ({ data }: KubeObject, key: string): Entries => {
  const entries = Object.entries((data ?? {}) as Record<string, string>)
    .map(([name, value]): [string, string] => [name, Buffer.from(value, 'base64').toString()])
    .toSorted(([a], [b]) => (a < b ? -1 : 1));
  const bytes = entries.reduce((sum, [, value]) => sum + Buffer.byteLength(value), 0);
  if (bytes > MAX_BYTES)
    throw new ReasonError('DecryptionKeysNotFound', `Secret ${key} has ${bytes} bytes; ${MAX_BYTES} are taken`);
  if (entries.some(([name]) => KNOWN.test(name))) return entries;
  const names = entries.map(([name]) => name).join(', ') || 'none at all';
  const wanted = 'a key NAME.agekey, NAME.asc or sops.vault-token';
  throw new ReasonError('DecryptionKeysNotFound', `Secret ${key} needs ${wanted}; its keys: ${names.slice(0, 200)}`);
};

/** The names of Flux. What Flux has for the services of clouds is known, too: a Secret of Flux is taken as it is. */
const KNOWN = /\.agekey$|\.asc$|^sops\.(vault-token|aws-kms|azure-kv|gcp-kms)$|^ca\.crt$/;

const keysIn = (entries: Entries) => {
  const ending = (end: string): PrivateKey[] =>
    entries.filter(([entry]) => entry.endsWith(end)).map(([entry, text]) => ({ entry, text }));
  const values = new Map(entries);
  return {
    age: ending('.agekey'),
    pgp: ending('.asc'),
    token: values.get('sops.vault-token')?.trim(),
    ca: values.get('ca.crt'),
  };
};
