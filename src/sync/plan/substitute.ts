import { describeKey, type KubeObject, keyOf, keyString, parseKey } from '../../api/meta.ts';
import { planRollback } from '../../holds/index.ts';
import { hashOf, referencedConfig, type Snapshot } from '../../snapshot/index.ts';
import { isWorkload, type Match } from './match-holds.ts';
import type { PlanInput, PlannedObject } from './types.ts';

type Input = Pick<PlanInput, 'rendered' | 'companions'>;

/** Puts the targets in the places of what is rejected. What a Hold of its own names, the scope of no other one touches. */
export const substituteAll = (
  held: readonly Match[],
  input: Input,
  desired: Map<string, PlannedObject>,
  keep: Map<string, string>,
): void => {
  const isWhole = ({ hold }: Match): boolean => hold.spec.scope === 'GitSync';
  for (const match of held) substitute(match, input, desired, keep);
  for (const match of held.filter(isWhole)) freeze(match, input, desired, keep);
};

/** Puts the target in the place of the rejected release, with everything that its pods need. */
const substitute = (
  match: Match,
  { rendered }: Input,
  desired: Map<string, PlannedObject>,
  keep: Map<string, string>,
): void => {
  const [rejected] = match.rejected.flatMap((key) => desired.get(key) ?? []);
  if (!rejected) return;
  const { hold, target } = match;
  for (const key of match.rejected) desired.delete(key);
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
  goBack(match, { chosen: hold.spec.target, target, rejected: rejected.object }, rendered, desired, keep);
};

/** A release in the place of what is rendered, with all that goes back with it. */
const goBack = (
  { hold, notes }: Match,
  { chosen, target, rejected }: { chosen: Parameters<typeof planRollback>[0]; target: Snapshot; rejected: KubeObject },
  rendered: readonly KubeObject[],
  desired: Map<string, PlannedObject>,
  keep: Map<string, string>,
): void => {
  const made = planRollback(chosen, target, {
    rejected,
    objects: new Map([...desired].map(([key, { object }]) => [key, object])),
    workloads: rendered.filter(isWorkload),
    replicas: replicasOf(rejected),
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
  notes.push(...made.notes);
};

/**
 * Scope GitSync: nothing of the commit goes through. The other workloads go back to what they were at the target's
 * commit, as far as that is recorded; everything else stays as it is.
 */
const freeze = (
  match: Match,
  { rendered, companions }: Input,
  desired: Map<string, PlannedObject>,
  keep: Map<string, string>,
): void => {
  const { metadata } = match.hold;
  const releases = companions.get(`${metadata.namespace}/${metadata.name}`);
  const staying: string[] = [];
  for (const { key, object, hold } of [...desired.values()]) {
    if (hold || desired.get(key)?.hold) continue;
    const release = releases?.get(key);
    if (release) {
      goBack(match, { chosen: release, target: release.snapshot, rejected: object }, rendered, desired, keep);
      continue;
    }
    desired.delete(key);
    keep.set(key, `the whole sync is held with ${match.workload.kind} ${match.workload.name}`);
    staying.push(describeKey(keyOf(object)));
  }
  const back = [...(releases?.keys() ?? [])].map((key) => describeKey(parseKey(key)));
  if (back.length > 0) match.notes.push(`${some(back)} went back to what the commit of that release had`);
  if (staying.length > 0)
    match.notes.push(`${some(staying)} ${staying.length === 1 ? 'stays as it is' : 'stay as they are'}`);
};

const NAMED = 10;

const some = (names: readonly string[]): string =>
  names.length <= NAMED ? names.join(', ') : `${names.slice(0, NAMED).join(', ')} and ${names.length - NAMED} more`;

const replicasOf = ({ spec }: KubeObject): number | undefined => (spec as { replicas?: number } | undefined)?.replicas;
