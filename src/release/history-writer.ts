import type { Condition } from '../api/common.ts';
import { type ReleaseHistory, type ReleaseRecords, recordsOf } from '../api/release-history.ts';
import type { WorkloadKey } from '../api/workload.ts';
import { isConflict, isNotFound, type KubeClient, resources, type WatchCache } from '../kube/index.ts';
import { canonical, ensureHistory, historyName } from '../snapshot/index.ts';

/** All that a ReleaseHistory says of its workload. */
export interface HistoryContent {
  records: ReleaseRecords;
  conditions: readonly Condition[];
}

export const contentOf = (history: ReleaseHistory | undefined): HistoryContent => ({
  records: recordsOf(history),
  conditions: history?.status?.conditions ?? [],
});

export interface HistoryWriter {
  /** As it is known here: from the watch, or newer, as this process wrote it. */
  current(key: WorkloadKey): ReleaseHistory | undefined;
  /**
   * Compare-and-set: `change` is asked again when another replica was faster. No request when nothing changes.
   * Rejects with KubeError when it can't be stored.
   */
  update(
    key: WorkloadKey,
    change: (history: ReleaseHistory | undefined) => Promise<HistoryContent> | HistoryContent,
  ): Promise<{ before: ReleaseRecords; after: ReleaseRecords; history: ReleaseHistory | undefined }>;
}

const MAX_TRIES = 8;

const isSame = (a: unknown, b: unknown): boolean => canonical(a) === canonical(b);

export const createHistoryWriter = (client: KubeClient, histories: WatchCache<ReleaseHistory>): HistoryWriter => {
  /** What was written and has not come back by the watch yet. */
  const written = new Map<string, ReleaseHistory>();
  /** The last write of each history: the next one waits for it, so that this process never conflicts with itself. */
  const tails = new Map<string, Promise<unknown>>();
  const textOf = ({ namespace, name }: { namespace?: string; name: string }): string => `${namespace}/${name}`;
  histories.onChange((object, previous) => {
    const metadata = (object ?? previous)?.metadata;
    if (metadata) written.delete(textOf(metadata));
  });
  const nameOf = (key: WorkloadKey): { namespace: string; name: string } => ({
    namespace: key.namespace,
    name: historyName(key),
  });
  const current = (key: WorkloadKey): ReleaseHistory | undefined =>
    written.get(textOf(nameOf(key))) ?? histories.get(nameOf(key));

  /** The stored history; undefined when another was faster and `change` must be asked again. */
  const store = async (
    key: WorkloadKey,
    history: ReleaseHistory | undefined,
    content: HistoryContent,
  ): Promise<ReleaseHistory | undefined> => {
    try {
      const base = history ?? (await ensureHistory(client, key));
      // Another replica wrote the first release meanwhile: that, not our guess of an empty history, is changed.
      if (!history && base.spec.releases) return undefined;
      const recorded = await storeRecords(base, content.records);
      // What is written by now is newer than the watch, whatever becomes of the conditions.
      written.set(textOf(nameOf(key)), recorded);
      return await storeConditions(recorded, content.conditions);
    } catch (error) {
      if (isConflict(error) || isNotFound(error)) return undefined;
      throw error;
    }
  };

  const storeRecords = async (base: ReleaseHistory, records: ReleaseRecords): Promise<ReleaseHistory> => {
    if (isSame(records, recordsOf(base))) return base;
    const { workloadRef } = base.spec;
    return client.replace(resources.releaseHistories, { ...base, spec: { workloadRef, ...records } });
  };

  const storeConditions = async (base: ReleaseHistory, conditions: readonly Condition[]): Promise<ReleaseHistory> => {
    if (isSame(conditions, base.status?.conditions ?? [])) return base;
    const { generation } = base.metadata;
    const status: ReleaseHistory['status'] = {
      conditions: [...conditions],
      ...(generation === undefined ? {} : { observedGeneration: generation }),
    };
    return client.replace(resources.releaseHistories, { ...base, status }, { subresource: 'status' });
  };

  const write: HistoryWriter['update'] = async (key, change) => {
    const text = textOf(nameOf(key));
    let history = current(key);
    for (let attempt = 1; attempt <= MAX_TRIES; attempt += 1) {
      const content = await change(history);
      const [before, after] = [recordsOf(history), content.records];
      const isEmpty = !history && !after.releases?.length;
      if (isEmpty || isSame(content, contentOf(history))) return { before, after, history };
      const stored = await store(key, history, content);
      if (stored) {
        written.set(text, stored);
        return { before, after, history: stored };
      }
      written.delete(text);
      history = await client.get<ReleaseHistory>(resources.releaseHistories, nameOf(key));
    }
    throw new Error(`ReleaseHistory ${text} changes all the time: who else writes it?`);
  };

  return {
    current,
    async update(key, change) {
      const text = textOf(nameOf(key));
      const turn = (tails.get(text) ?? Promise.resolve()).then(() => write(key, change));
      const tail = turn.catch(() => {}); // its own caller hears of it
      tails.set(text, tail);
      try {
        return await turn;
      } finally {
        if (tails.get(text) === tail) tails.delete(text);
      }
    },
  };
};
