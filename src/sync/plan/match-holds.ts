import type { RollbackHold } from '../../api/hold.ts';
import { describeKey, type KubeObject, keyOf, keyString } from '../../api/meta.ts';
import { isWorkloadKind } from '../../api/workload.ts';
import type { HeldWorkload } from '../../holds/index.ts';
import type { Snapshot } from '../../snapshot/index.ts';
import type { Plan, PlanInput, PlannedObject } from './types.ts';

export const isWorkload = (object: KubeObject): boolean =>
  object.apiVersion.startsWith('apps/') && isWorkloadKind(object.kind);

/** A Hold that rejects what is rendered. */
export type Match = HeldWorkload & {
  /** Where the target stands. */
  key: string;
  /** keyStrings of what is rendered and rejected: the workload, or those that have its release under another name. */
  rejected: string[];
  target: Snapshot | undefined;
  left: boolean;
};

/** Which Holds reject what is rendered, and which let it pass. */
export const matchHolds = (
  desired: ReadonlyMap<string, PlannedObject>,
  { holds, inventory }: Pick<PlanInput, 'holds' | 'inventory'>,
): { held: Match[]; passed: Plan['passed'] } => {
  const held: Match[] = [];
  const passed: Plan['passed'] = [];
  const known = new Set(inventory);
  for (const { hold, target, left = false } of holds) {
    const namespace = hold.metadata.namespace ?? '';
    const workload = { ...hold.spec.workloadRef, namespace };
    const key = keyString({ group: 'apps', ...workload });
    const digest = desired.get(key)?.digests?.sourceDigest;
    const match = { workload, hold, key, target, left };
    if (digest === undefined) {
      const moved = known.has(key)
        ? [...desired.values()].filter((each) => !known.has(each.key) && isMoved(hold, each))
        : [];
      const [first] = moved;
      if (!first?.digests) continue; // not of this sync, or gone from Git
      const notes = moved.map(
        ({ object }) => `${describeKey(keyOf(object))} is the rejected release under another name, and is not applied`,
      );
      held.push({ ...match, digest: first.digests.sourceDigest, notes, rejected: moved.map((each) => each.key) });
    } else if (hold.spec.rejectedDigests.includes(digest)) held.push({ ...match, digest, notes: [], rejected: [key] });
    else passed.push({ hold, digest });
  }
  return { held, passed };
};

/** A digest covers the pod template and its configuration, and no name. */
const isMoved = ({ spec }: RollbackHold, { object, digests }: PlannedObject): boolean =>
  digests !== undefined && object.kind === spec.workloadRef.kind && spec.rejectedDigests.includes(digests.sourceDigest);
