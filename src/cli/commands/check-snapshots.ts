import { labels, SYSTEM_NAMESPACE } from '../../api/annotations.ts';
import { resources } from '../../kube/index.ts';
import { DIGEST_KEY_NAME, keyId, SEAL_KEY } from '../../snapshot/index.ts';
import type { Cli } from '../context.ts';
import { plural } from '../words.ts';

export interface RecordedSnapshots {
  total: number;
  /** Sealed with another key than the one that is there: `namespace/history` of each. */
  lost: string[];
  /** The Secret of the key is there. */
  hasKey: boolean;
}

/** Which recorded releases can be rolled back to. The snapshots' metadata are read, their contents are not. */
export const recordedSnapshots = async (cli: Cli): Promise<RecordedSnapshots> => {
  const secret = await cli.client.get(resources.secrets, { namespace: SYSTEM_NAMESPACE, name: DIGEST_KEY_NAME });
  const key = (secret?.data as Record<string, string> | undefined)?.key;
  const id = key === undefined ? undefined : keyId(Buffer.from(key, 'base64'));
  const where = { labelSelector: labels.history, metadataOnly: true };
  const { items } = await cli.client.list(resources.controllerRevisions, where);
  const lost = items.filter(({ metadata }) => metadata.annotations?.[SEAL_KEY] !== id);
  return {
    total: items.length,
    lost: lost.map(({ metadata }) => `${metadata.namespace}/${metadata.labels?.[labels.history]}`),
    hasKey: id !== undefined,
  };
};

const NAMED = 5;

/** What is lost, in words. */
export const lostWords = ({ total, lost }: RecordedSnapshots): string => {
  const histories = [...new Set(lost)];
  const more = histories.length > NAMED ? ` and ${histories.length - NAMED} more` : '';
  return `${lost.length} of ${plural(total, 'snapshot')} can't be rolled back to: they were sealed with another key than that of Secret ${SYSTEM_NAMESPACE}/${DIGEST_KEY_NAME} (${histories.slice(0, NAMED).join(', ')}${more})`;
};

export const RESTORE_KEY = `restore Secret ${DIGEST_KEY_NAME} from a backup and restart the controller; without it, Holds do not match releases with Secrets, and a workload has a rollback target again after its next good release`;
