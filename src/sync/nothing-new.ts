import type { GitSync } from '../api/gitsync.ts';
import { parseKey } from '../api/meta.ts';
import type { PlatformPolicySpec } from '../api/platform-policy.ts';
import { type HoldController, isLeft } from '../holds/index.ts';
import { hashOf } from '../snapshot/index.ts';
import type { Sources } from '../source/heads.ts';
import { isPending } from './plan/kept.ts';
import { areHooksPending } from './state/hook-run.ts';
import { digestsOf, type Readings, type SyncState } from './state/sync-state.ts';

export interface NewsPorts {
  sources: Pick<Sources, 'holds'>;
  holdController: Pick<HoldController, 'inForce'>;
  policy: () => PlatformPolicySpec;
}

/** Whether everything that the last plan was made from is as it was: the same plan would be made again. */
export const hasNothingNew = (sync: GitSync, state: SyncState, { id }: { id: string }, ports: NewsPorts): boolean => {
  const { planned, inventory, drifted, kept } = state;
  if (!planned || drifted.size > 0 || areHooksPending(state) || [...kept.values()].some(isPending)) return false;
  const same = planned.commit === id || ports.sources.holds(sync, planned.inputs);
  const touched = namespacesIn([...inventory.keys()].map(parseKey));
  return same && planned.fingerprint === fingerprintOf(sync, state, touched, ports);
};

/** Of everything that a plan depends on beside the commit. */
export const fingerprintOf = (
  sync: GitSync,
  readings: Readings,
  namespaces: ReadonlySet<string>,
  { holdController, policy }: Pick<NewsPorts, 'holdController' | 'policy'>,
): string =>
  hashOf([
    sync.spec,
    policy(),
    holdController
      .inForce(namespaces)
      .map((h) => [h.metadata.uid, h.metadata.generation, h.spec.rejectedDigests, isLeft(h)]),
    ...digestsOf(readings),
  ]);

export const namespacesIn = (keys: readonly { namespace: string }[]): Set<string> =>
  new Set(keys.map((k) => k.namespace));
