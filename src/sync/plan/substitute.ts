import { type KubeObject, keyOf, keyString } from '../../api/meta.ts';
import { planRollback } from '../../holds/index.ts';
import { hashOf, referencedConfig } from '../../snapshot/index.ts';
import { isWorkload, type Match } from './match-holds.ts';
import type { PlanInput, PlannedObject } from './types.ts';

/** Puts the target in the place of the rejected release, with everything that its pods need. */
export const substitute = (
  match: Match,
  { rendered }: Pick<PlanInput, 'rendered'>,
  desired: Map<string, PlannedObject>,
  keep: Map<string, string>,
): void => {
  const rejected = desired.get(match.key);
  if (!rejected) return;
  const { hold, target } = match;
  if (hold.spec.scope === 'GitSync') freeze(match, desired, keep);
  desired.delete(match.key);
  if (!target) {
    keep.set(match.key, `rejected, and its target's snapshot is not there`);
    for (const config of referencedConfig(rejected.object, rendered)) {
      const key = keyString(keyOf(config));
      desired.delete(key);
      keep.set(key, 'the rejected release reads it');
    }
    match.notes.push('the snapshot to go back to is missing or damaged: the workload is left as it is');
    return;
  }
  const made = planRollback(hold.spec.target, target, {
    rejected: rejected.object,
    objects: new Map([...desired].map(([key, { object }]) => [key, object])),
    workloads: rendered.filter(isWorkload),
    replicas: replicasOf(rejected.object),
  });
  for (const object of [...made.configuration, ...made.selectors, made.workload]) {
    const key = keyString(keyOf(object));
    desired.set(key, { key, object, hash: hashOf([object]), hold });
    keep.delete(key);
  }
  for (const object of made.keep) {
    const key = keyString(keyOf(object));
    desired.delete(key);
    keep.set(key, 'its new version does not select the pods of the held release');
  }
  match.notes.push(...made.notes);
};

/** Scope GitSync: nothing of the commit goes through; what is there stays as it is. */
const freeze = (match: Match, desired: Map<string, PlannedObject>, keep: Map<string, string>): void => {
  for (const [key, planned] of desired) {
    if (planned.hold) continue;
    desired.delete(key);
    keep.set(key, `the whole sync is held with ${match.workload.kind} ${match.workload.name}`);
  }
};

const replicasOf = ({ spec }: KubeObject): number | undefined => (spec as { replicas?: number } | undefined)?.replicas;
