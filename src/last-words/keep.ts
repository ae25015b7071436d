import type { Incident, IncidentStatus } from '../api/incident.ts';
import type { KubeObject } from '../api/meta.ts';
import { isConflict, isRejected, type KubeClient, KubeError, resources } from '../kube/index.ts';
import { collect } from './collect.ts';
import { reportOf } from './report.ts';
import { isOfIncident, messageOf, newSecret, secretName } from './secret.ts';

type Logs = NonNullable<IncidentStatus['logs']>;

const MAX_REFUSAL = 300;

/**
 * Reads the logs of the pods and stores them, or finds them stored. What can't be read or stored is in the message; it
 * rejects with KubeError only where the same request may succeed later.
 */
export const keepLogs = async (
  incident: Incident,
  pods: readonly KubeObject[],
  { client, now }: { client: KubeClient; now: number },
): Promise<Logs> => {
  const name = { namespace: incident.metadata.namespace ?? '', name: secretName(incident) };
  const secretRef = { name: name.name };
  // A leader may have died between the Secret and the status.
  const stored = await client.get(resources.secrets, name);
  if (stored && isOfIncident(stored, incident)) {
    const time = stored.metadata.creationTimestamp ?? new Date(now).toISOString();
    return { secretRef, time, message: (messageOf(stored) ?? 'last log lines').slice(0, 1024) };
  }
  const time = new Date(now).toISOString();
  const { log, message } = reportOf(await collect(client, pods), incident.spec.suspect?.number ?? 0, pods.length);
  if (log === undefined) return { time, message };
  try {
    await client.create(resources.secrets, newSecret(incident, log, message));
    return { secretRef, time, message };
  } catch (error) {
    if (!isRejected(error) && !isConflict(error)) throw error;
    const why = error instanceof KubeError ? error.message.slice(0, MAX_REFUSAL) : '';
    return { time, message: `the logs are not stored, for Secret ${name.name} was refused: ${why}` };
  }
};
