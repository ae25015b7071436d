import { isConfidential } from '../api/confidential.ts';
import type { DriftEntry } from '../api/gitsync.ts';
import { describeKey, type KubeObject, keyOf, keyString, parseKey } from '../api/meta.ts';
import { writeJson } from '../json.ts';
import { managersOf } from './managed-fields.ts';

type Change = DriftEntry['changes'][number];

/** A status holds so much of one object. */
const MAX_CHANGES = 20;
const MAX_TEXT = 200;
const MASK = '"***"';

/** What servers and controllers write: never drift. */
const SERVER_METADATA = new Set([
  'managedFields',
  'resourceVersion',
  'generation',
  'creationTimestamp',
  'uid',
  'selfLink',
  'deletionGracePeriodSeconds',
  'deletionTimestamp',
  'ownerReferences',
  'finalizers',
]);

/**
 * What is different between an object as it is and as it would be after an apply (or was after one), field by field.
 * Values of Secrets, and of objects that hold one, are masked: only that they differ is shown.
 * @param applied as the API server answered our (dry-run) apply
 * @param live as it was before
 */
export const differenceOf = (applied: KubeObject, live: KubeObject, ourManager: string): DriftEntry | undefined => {
  const isSecret = applied.kind === 'Secret' && applied.apiVersion === 'v1';
  const holdsSecret = !isSecret && (isConfidential(applied) || isConfidential(live));
  const changes: { pointer: string[]; applied: unknown; live: unknown }[] = [];
  walk(comparable(applied), comparable(live), [], changes);
  if (changes.length === 0) return undefined;
  const told = changes.slice(0, MAX_CHANGES);
  const by = new Set(
    told.flatMap(({ pointer }) => managersOf(live, textOf(pointer))).filter((manager) => manager !== ourManager),
  );
  return {
    id: keyString(keyOf(applied)),
    ...(by.size > 0 ? { fieldManagers: [...by].slice(0, 5) } : {}),
    changes: told.map(({ pointer, ...values }) => {
      const label = pointer[0] === 'metadata' && pointer[1] === 'labels';
      const masked = holdsSecret || (isSecret && !label); // annotations may hold all of it again
      return {
        path: textOf(pointer),
        ...shown('applied', values.applied, masked),
        ...shown('live', values.live, masked),
      };
    }),
  };
};

/** For an object that is gone. */
export const missing = (key: string): DriftEntry => ({ id: key, changes: [{ path: '', live: 'deleted' }] });

/** `Deployment shop/web (/spec/replicas: 2 → 5, by kubectl-edit)` */
export const describeDrift = ({ id, fieldManagers, changes }: DriftEntry): string => {
  const [first] = changes;
  const more = changes.length > 1 ? ` and ${changes.length - 1} more` : '';
  const who = fieldManagers ? `, by ${fieldManagers.join(', ')}` : '';
  const what = first?.path === '' ? 'deleted' : `${first?.path}: ${first?.applied ?? '–'} → ${first?.live ?? '–'}`;
  return `${describeKey(parseKey(id))} (${what}${more}${who})`;
};

const shown = (name: 'applied' | 'live', value: unknown, masked: boolean): Partial<Change> => {
  if (value === undefined) return {};
  const text = masked ? MASK : writeJson(value);
  return { [name]: text.length > MAX_TEXT ? `${text.slice(0, MAX_TEXT)}…` : text };
};

const textOf = (pointer: readonly string[]): string =>
  pointer.map((part) => `/${part.replaceAll('~', '~0').replaceAll('/', '~1')}`).join('');

const comparable = ({ metadata, status: _, ...rest }: KubeObject): object => ({
  ...rest,
  metadata: Object.fromEntries(Object.entries(metadata).filter(([name]) => !SERVER_METADATA.has(name))),
});

const isMap = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

const walk = (
  applied: unknown,
  live: unknown,
  pointer: string[],
  found: { pointer: string[]; applied: unknown; live: unknown }[],
): void => {
  if (isMap(applied) && isMap(live)) {
    for (const name of new Set([...Object.keys(applied), ...Object.keys(live)])) {
      walk(applied[name], live[name], [...pointer, name], found);
    }
    return;
  }
  if (Array.isArray(applied) && Array.isArray(live)) {
    const pairs = pairsOf(applied, live);
    for (const [at, a, l] of pairs ?? []) walk(a, l, [...pointer, at], found);
    if (pairs) return;
  }
  if (writeJson(applied) !== writeJson(live)) found.push({ pointer, applied, live });
};

/** Items that belong together, with the index in the live list, `-` where it has none; undefined when nobody knows. */
const pairsOf = (applied: unknown[], live: unknown[]): [string, unknown, unknown][] | undefined => {
  const [byName, liveByName] = [namesOf(applied), namesOf(live)];
  if (byName && liveByName) {
    const gone = applied.filter((_, i) => !liveByName.includes(byName[i] ?? ''));
    return [
      ...live.map((item, i): [string, unknown, unknown] => {
        const at = byName.indexOf(liveByName[i] ?? '');
        return [String(i), at < 0 ? undefined : applied[at], item];
      }),
      ...gone.map((item): [string, unknown, unknown] => ['-', item, undefined]),
    ];
  }
  return applied.length === live.length ? applied.map((item, i) => [String(i), item, live[i]]) : undefined;
};

/** Containers, volumes, ports, environment: what Kubernetes merges by name. */
const namesOf = (list: readonly unknown[]): string[] | undefined => {
  const names = list.flatMap((item) => (isMap(item) && typeof item.name === 'string' ? [item.name] : []));
  return names.length === list.length && new Set(names).size === names.length ? names : undefined;
};
