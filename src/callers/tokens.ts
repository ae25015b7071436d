import { randomBytes } from 'node:crypto';
import { isConflict, type KubeClient, resources } from '../kube/index.ts';

/** Secrets whose token others show to metricops, and who that is. */
export const TOKENS = {
  'metricops-alertmanager': 'Alertmanager',
  'metricops-push': 'push hooks of Git hosts',
} as const;

/** Makes the Secrets that are missing; one that exists stays, for others know its token. Rejects with KubeError. */
export const makeTokens = async (client: KubeClient, namespace: string): Promise<string[]> => {
  const made: string[] = [];
  for (const name of Object.keys(TOKENS)) {
    if (await client.get(resources.secrets, { namespace, name })) continue;
    const metadata = { namespace, name, labels: { 'app.kubernetes.io/name': 'metricops' } };
    const stringData = { token: randomBytes(32).toString('base64url') };
    try {
      await client.create(resources.secrets, { apiVersion: 'v1', kind: 'Secret', metadata, stringData });
      made.push(name);
    } catch (error) {
      if (!isConflict(error)) throw error;
    }
  }
  return made;
};
