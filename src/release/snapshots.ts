import { labels } from '../api/annotations.ts';
import type { ReleaseHistory, ReleaseHistoryStatus } from '../api/release-history.ts';
import { resources } from '../kube/resources.ts';
import type { RecorderPorts } from './types.ts';

/** Deletes the snapshots of releases that were evicted, with the copies that no other snapshot needs. */
export const dropSnapshots = async (
  history: ReleaseHistory,
  { before, after }: { before: ReleaseHistoryStatus; after: ReleaseHistoryStatus },
  { client, snapshots }: Pick<RecorderPorts, 'client' | 'snapshots'>,
): Promise<void> => {
  const needed = namesOf(after);
  const dropped = [...namesOf(before)].filter((name) => !needed.has(name));
  if (dropped.length === 0) return;
  const { items } = await client.list(resources.controllerRevisions, {
    namespace: history.metadata.namespace ?? '',
    labelSelector: `${labels.history}=${history.metadata.name}`,
    metadataOnly: true,
  });
  // What is being written for the next release is in no history yet: only what was dropped goes.
  const kept = items.map((item) => item.metadata.name).filter((name) => !dropped.includes(name));
  await snapshots.prune(history, new Set(kept));
};

const namesOf = (status: ReleaseHistoryStatus): Set<string> =>
  new Set(status.releases?.flatMap((release) => (release.snapshot === undefined ? [] : [release.snapshot])));
