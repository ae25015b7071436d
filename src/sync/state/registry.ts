import type { GitSync } from '../../api/gitsync.ts';
import { ownerLabelOf } from '../../api/gitsync-names.ts';
import { chartKey } from '../../charts/charts.ts';
import { sourceKey } from '../../source/heads.ts';
import { createIndex } from './index-by-key.ts';
import { newSyncState, type SyncState } from './sync-state.ts';

/** What the leader knows of all GitSyncs: their memory by `namespace/name`, and who has to do with whom. */
export interface Registry {
  /** Made at the first question. */
  stateOf(key: string): SyncState;
  stateIfKnown(key: string): SyncState | undefined;
  states(): Iterable<[key: string, state: SyncState]>;
  forget(key: string): void;
  /** Another version of this GitSync; undefined: it is gone. */
  see(key: string, sync: GitSync | undefined): void;
  /** The GitSync of an owner label. */
  ownerOf(label: string): { key: string; state: SyncState } | undefined;
  /** Keys of those that read this source, see `sourceKey`. */
  readersOf(source: string): Iterable<string>;
  /** Keys of those that render this chart, see `chartKey`. */
  rendersOf(chart: string): Iterable<string>;
  /** Keys of those that name this one in `dependsOn`. */
  dependentsOf(key: string): Iterable<string>;
}

export const createRegistry = (): Registry => {
  const states = new Map<string, SyncState>();
  const labels = createIndex<GitSync>((sync) => [ownerLabelOf(sync)]);
  const sources = createIndex<GitSync>((sync) => [sourceKey(sync)]);
  const charts = createIndex<GitSync>((sync) => [chartKey(sync)].flatMap((key) => key ?? []));
  const dependencies = createIndex<GitSync>(({ metadata, spec }) =>
    spec.dependsOn.map(({ name }) => `${metadata.namespace}/${name}`),
  );
  const stateOf = (key: string): SyncState => {
    const state = states.get(key) ?? newSyncState();
    states.set(key, state);
    return state;
  };
  return {
    stateOf,
    stateIfKnown: (key) => states.get(key),
    states: () => states,
    forget: (key) => void states.delete(key),
    see(key, sync) {
      for (const index of [labels, sources, charts, dependencies]) index.set(key, sync);
    },
    ownerOf(label) {
      const [key] = labels.of(label);
      return key === undefined ? undefined : { key, state: stateOf(key) };
    },
    readersOf: sources.of,
    rendersOf: charts.of,
    dependentsOf: dependencies.of,
  };
};
