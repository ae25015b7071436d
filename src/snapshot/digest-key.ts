import { createHash, randomBytes } from 'node:crypto';
import { SYSTEM_NAMESPACE } from '../api/annotations.ts';
import { type ReleaseHistory, releasesOf } from '../api/release-history.ts';
import { isConflict, type KubeClient, resources } from '../kube/index.ts';

export const DIGEST_KEY_NAME = 'metricops-digest-key';

/** The key is gone, and what was recorded with it is there. In words, with what to do. */
export class DigestKeyLost extends Error {
  override name = 'DigestKeyLost';
}

/** Says which key it is, and nothing of it. */
export const keyId = (key: Uint8Array): string =>
  createHash('sha256').update('metricops.dev/seal-key\n').update(key).digest('hex').slice(0, 12);

/**
 * The installation's HMAC key: it seals snapshots, and digests of releases with Secrets depend on it. Made at the first
 * start. Where releases are recorded and the key is missing, none is made: another key would let rejected releases pass
 * their Holds.
 *
 * Rejects with DigestKeyLost, and with KubeError.
 */
export const loadDigestKey = async (client: KubeClient, namespace: string = SYSTEM_NAMESPACE): Promise<Uint8Array> => {
  const read = async (): Promise<Uint8Array | undefined> => {
    const secret = await client.get(resources.secrets, { namespace, name: DIGEST_KEY_NAME });
    const key = (secret?.data as Record<string, string> | undefined)?.key;
    return key === undefined ? undefined : Buffer.from(key, 'base64');
  };
  const found = await read();
  if (found) return found;
  // Not the snapshots: whoever may write ControllerRevisions could keep a first start from making a key.
  const { items } = await client.list<ReleaseHistory>(resources.releaseHistories);
  const recorded = items.filter((history) => releasesOf(history).length > 0).length;
  if (recorded > 0) throw new DigestKeyLost(lostMessage(namespace, recorded));
  const metadata = { namespace, name: DIGEST_KEY_NAME };
  const data = { key: randomBytes(32).toString('base64') };
  try {
    await client.create(resources.secrets, { apiVersion: 'v1', kind: 'Secret', metadata, immutable: true, data });
  } catch (error) {
    if (!isConflict(error)) throw error;
  }
  const key = await read();
  if (!key) throw new Error(`Secret ${namespace}/${DIGEST_KEY_NAME} has no "key"; delete it, and it is made again`);
  return key;
};

const lostMessage = (namespace: string, workloads: number): string =>
  `Secret ${namespace}/${DIGEST_KEY_NAME} is missing, and releases of ${workloads} workloads were recorded with its key: ` +
  'restore the Secret from a backup. To go on without: their releases can not be rolled back to, and Holds do not match ' +
  `releases with Secrets any more; kubectl -n ${namespace} create secret generic ${DIGEST_KEY_NAME} ` +
  '--from-literal=key="$(openssl rand -base64 32)"';
