import { randomBytes } from 'node:crypto';
import { SYSTEM_NAMESPACE } from '../api/annotations.ts';
import { isConflict, type KubeClient, resources } from '../kube/index.ts';

const NAME = 'metricops-digest-key';

/** The installation's HMAC key for Secrets in digests, made at first start. Losing it makes every release with a Secret look new, nothing worse. */
export const loadDigestKey = async (client: KubeClient, namespace: string = SYSTEM_NAMESPACE): Promise<Uint8Array> => {
  const read = async (): Promise<Uint8Array | undefined> => {
    const secret = await client.get(resources.secrets, { namespace, name: NAME });
    const key = (secret?.data as Record<string, string> | undefined)?.key;
    return key === undefined ? undefined : Buffer.from(key, 'base64');
  };
  const found = await read();
  if (found) return found;
  const metadata = { namespace, name: NAME };
  const data = { key: randomBytes(32).toString('base64') };
  try {
    await client.create(resources.secrets, { apiVersion: 'v1', kind: 'Secret', metadata, immutable: true, data });
  } catch (error) {
    if (!isConflict(error)) throw error;
  }
  const key = await read();
  if (!key) throw new Error(`Secret ${namespace}/${NAME} has no "key"; delete it, and it is made again`);
  return key;
};
