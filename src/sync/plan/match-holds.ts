import { type KubeObject, keyString } from '../../api/meta.ts';
import { isWorkloadKind } from '../../api/workload.ts';
import type { HeldWorkload, HoldWithTarget } from '../../holds/index.ts';
import type { Snapshot } from '../../snapshot/index.ts';
import type { Plan, PlannedObject } from './types.ts';

export const isWorkload = (object: KubeObject): boolean =>
  object.apiVersion.startsWith('apps/') && isWorkloadKind(object.kind);

/** A Hold that rejects what is rendered. */
export type Match = HeldWorkload & { key: string; target: Snapshot | undefined; left: boolean };

/** Which Holds reject what is rendered, and which let it pass. */
export const matchHolds = (
  desired: ReadonlyMap<string, PlannedObject>,
  holds: readonly HoldWithTarget[],
): { held: Match[]; passed: Plan['passed'] } => {
  const held: Match[] = [];
  const passed: Plan['passed'] = [];
  for (const { hold, target, left = false } of holds) {
    const namespace = hold.metadata.namespace ?? '';
    const workload = { ...hold.spec.workloadRef, namespace };
    const key = keyString({ group: 'apps', ...workload });
    const digest = desired.get(key)?.digests?.sourceDigest;
    if (digest === undefined) continue; // not of this sync, or gone from Git
    if (hold.spec.rejectedDigests.includes(digest)) held.push({ workload, hold, digest, notes: [], key, target, left });
    else passed.push({ hold, digest });
  }
  return { held, passed };
};
