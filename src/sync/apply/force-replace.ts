import type { KubeObject } from '../../api/meta.ts';
import type { Clock } from '../../clock.ts';
import { isConflict, type KubeClient, KubeError, type ResourceType } from '../../kube/index.ts';

export interface ReplacePorts {
  /** Reads. */
  client: KubeClient;
  /** Deletes. */
  writer: KubeClient;
  clock: Clock;
  /** Aborted when this process may no longer delete anything. */
  signal: AbortSignal;
}

const POLL_MS = 50;
/** What takes longer, as pods that end slowly, is waited for by trying the sync again. */
const LIMIT_MS = 10_000;

/**
 * Makes room for an object that can't be changed in place: resolves when the old one is gone, with what it owns. Rejects,
 * with nothing deleted, when the API server would refuse the new one for more than being there already.
 */
export const deleteToRecreate = async (
  type: ResourceType,
  object: KubeObject,
  { client, writer, clock, signal }: ReplacePorts,
): Promise<void> => {
  await writer.create(type, object, { dryRun: true }).catch(unlessInTheWay);
  const { uid } = (await client.get(type, object.metadata))?.metadata ?? {};
  if (uid === undefined) return;
  signal.throwIfAborted();
  await writer.delete(type, object.metadata, { propagationPolicy: 'Foreground', uid });
  for (const until = clock.now() + LIMIT_MS; clock.now() < until; await clock.sleep(POLL_MS, signal)) {
    if ((await client.get(type, object.metadata))?.metadata.uid !== uid) return;
  }
  const message = 'waiting for its deletion before it is recreated';
  throw new KubeError(message, { status: 409, reason: 'Conflict' });
};

/** Names and contents were looked at before that. A Service's own ports and addresses count as taken, too. */
const unlessInTheWay = (error: unknown): void => {
  if (isConflict(error) || (error instanceof KubeError && /already allocated/.test(error.message))) return;
  throw error;
};
