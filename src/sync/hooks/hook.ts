import { type GitSync, MAX_HOOKS } from '../../api/gitsync.ts';
import {
  deletedAfter,
  HOOK_PHASES,
  type HookTime,
  helmWeightOf,
  hookSaidBy,
  isSkipped,
  timeOf,
} from '../../api/hooks.ts';
import { describeKey, groupOf, type KubeObject, keyOf, keyString } from '../../api/meta.ts';
import { ReasonError } from '../../api/reason-error.ts';
import { hasNameOfHook } from '../../render/index.ts';
import { waveOf } from '../plan/apply-order.ts';

/** An object that is run before or after a revision is applied, and is no part of it. */
export interface Hook {
  /** keyString. */
  key: string;
  object: KubeObject;
  times: readonly HookTime[];
  deletedAfter: { succeeded: boolean; failed: boolean };
}

export const JOB = 'batch/Job';

/** What is run as a hook, in the order in which it is made: a Job, after what such a Job needs. */
const KINDS = [
  '/ServiceAccount',
  'rbac.authorization.k8s.io/ClusterRole',
  'rbac.authorization.k8s.io/ClusterRoleBinding',
  'rbac.authorization.k8s.io/Role',
  'rbac.authorization.k8s.io/RoleBinding',
  '/Secret',
  '/ConfigMap',
  JOB,
];

export const kindNameOf = ({ apiVersion, kind }: Pick<KubeObject, 'apiVersion' | 'kind'>): string =>
  `${groupOf(apiVersion)}/${kind}`;

/** Only where it says so: what a hook does, a rollback does not take back. */
export const runsHelmHooks = ({ spec }: GitSync): boolean => spec.render?.helm?.hooks === 'Run';

/**
 * The hooks among rendered objects, in the order in which they run, and the others. Throws ReasonError for a hook that
 * could neither be run nor be left out in silence.
 * @param helm hooks of Helm count, too; ordinary objects otherwise, as `helm template` made files of them
 */
export const divideHooks = (
  rendered: readonly KubeObject[],
  { helm }: { helm: boolean },
): { objects: KubeObject[]; hooks: Hook[] } => {
  const objects: KubeObject[] = [];
  const found: { hook: Hook; weight: number }[] = [];
  for (const object of rendered) {
    const said = hookSaidBy(object.metadata);
    const isHook = said && (said.tool === 'Argo CD' ? !said.words.includes('Skip') : helm);
    if (!isHook) {
      if (hasNameOfHook(object) && !isSkipped(object.metadata)) throw unnamed(object);
      objects.push(object);
      continue;
    }
    const weight = said.tool === 'Helm' ? helmWeightOf(object.metadata) : waveOf(object);
    found.push({ hook: hookFrom(object, said.words, said.tool === 'Helm'), weight });
  }
  if (found.length > MAX_HOOKS) {
    throw new ReasonError('HookRefused', `there are ${found.length} hooks; ${MAX_HOOKS} are run`);
  }
  const rank = ({ object }: Hook): number => KINDS.indexOf(kindNameOf(object));
  const sorted = found.toSorted(
    (a, b) => a.weight - b.weight || rank(a.hook) - rank(b.hook) || (a.hook.key < b.hook.key ? -1 : 1),
  );
  return { objects, hooks: sorted.map(({ hook }) => hook) };
};

/** Of a hook of Helm that nobody runs: as an ordinary object it would need a name. */
const unnamed = ({ kind, metadata }: KubeObject): ReasonError => {
  const what = `${kind} ${metadata.namespace ?? ''}/${metadata.name.slice(0, -8)}`;
  const why = "has no metadata.name; generateName can't be synced but in hooks, and Helm's are run for charts alone";
  return new ReasonError('InvalidManifest', `${what} ${why}`);
};

/** @param lenient words of other times are left out: of Helm, at a deletion or a rollback for example */
const hookFrom = (object: KubeObject, words: readonly string[], lenient: boolean): Hook => {
  const key = keyOf(object);
  const what = describeKey(key);
  const unknown = words.find((word) => timeOf(word) === undefined);
  if (unknown !== undefined && !lenient) {
    const why = `${what}: the hook phase ${unknown.slice(0, 50)} is not run; ${HOOK_PHASES.join(', ')} are`;
    throw new ReasonError('HookRefused', `${why}. Without the annotation it is applied like any object`);
  }
  if (!KINDS.includes(kindNameOf(object))) {
    const why = `${what}: a hook is a Job, or what a Job needs (${KINDS.slice(0, -1).map(nameOf).join(', ')})`;
    throw new ReasonError('HookRefused', object.kind === 'Pod' ? `${why}; write the Pod as a Job` : why);
  }
  const times = words.flatMap((word) => timeOf(word) ?? []);
  return { key: keyString(key), object, times, deletedAfter: deletedAfter(object.metadata) };
};

const nameOf = (kind: string): string => kind.slice(kind.indexOf('/') + 1);
