import { describeKey, type KubeObject, keyOf, keyString } from '../../api/meta.ts';
import { hashOf, referencedConfig, withPins } from '../../snapshot/index.ts';
import { isWorkload, type Match } from './match-holds.ts';
import { selectorsThatNoLongerMatch } from './selectors.ts';
import type { PlanInput, PlannedObject } from './types.ts';

/** Puts the target in the place of the rejected release, with everything that its pods need. */
export const substitute = (
  match: Match,
  input: PlanInput,
  desired: Map<string, PlannedObject>,
  keep: Map<string, string>,
): void => {
  const rejected = desired.get(match.key);
  if (!rejected) return;
  if (match.hold.spec.scope === 'GitSync') freeze(match, desired, keep);
  desired.delete(match.key);
  const { target } = match;
  if (!target) {
    keep.set(match.key, `rejected, and its target's snapshot is not there`);
    for (const config of referencedConfig(rejected.object, input.rendered)) {
      const key = keyString(keyOf(config));
      desired.delete(key);
      keep.set(key, 'the rejected release reads it');
    }
    match.notes.push('the snapshot to go back to is missing or damaged: the workload is left as it is');
    return;
  }
  const hold = match.hold;
  const object = withPins(withReplicasOf(rejected.object, target.workload), hold.spec.target.images);
  desired.set(match.key, { key: match.key, object, hash: hashOf([object]), hold });
  keep.delete(match.key);
  for (const config of target.config) {
    const key = keyString(keyOf(config));
    const others = usersOf(config, input.rendered, match.key);
    const wanted = desired.get(key)?.object;
    const changed = wanted === undefined || input.hashOf(wanted) !== input.hashOf(config);
    if (others.length > 0 && changed)
      match.notes.push(`${describeKey(keyOf(config))} is held with it, and also used by ${others.join(', ')}`);
    desired.set(key, { key, object: config, hash: hashOf([config]), hold });
    keep.delete(key);
  }
  for (const guard of selectorsThatNoLongerMatch(rejected.object, target.workload, desired)) {
    desired.delete(guard.key);
    keep.set(guard.key, `its new version does not select the pods of the held release`);
    match.notes.push(
      `${describeKey(keyOf(guard.object))} is held with it: its new version would not select the held pods`,
    );
  }
};

/** Scope GitSync: nothing of the commit goes through; what is there stays as it is. */
const freeze = (match: Match, desired: Map<string, PlannedObject>, keep: Map<string, string>): void => {
  for (const [key, planned] of desired) {
    if (planned.hold) continue;
    desired.delete(key);
    keep.set(key, `the whole sync is held with ${match.workload.kind} ${match.workload.name}`);
  }
};

/** A snapshot has no replicas: how many there should be is Git's newest word, not the old release's. */
const withReplicasOf = (rendered: KubeObject, target: KubeObject): KubeObject => {
  const replicas = (rendered.spec as { replicas?: number } | undefined)?.replicas;
  return replicas === undefined ? target : { ...target, spec: { ...(target.spec as object), replicas } };
};

const usersOf = (config: KubeObject, rendered: readonly KubeObject[], except: string): string[] =>
  rendered
    .filter((o) => isWorkload(o) && keyString(keyOf(o)) !== except && referencedConfig(o, [config]).length > 0)
    .map((o) => describeKey(keyOf(o)));
