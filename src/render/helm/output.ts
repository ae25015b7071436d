import { annotations } from '../../api/annotations.ts';
import { describeKey, type KubeObject, keyOf } from '../../api/meta.ts';
import type { ManifestText } from '../parse.ts';

const HOOK = 'helm.sh/hook';
const POLICY = 'helm.sh/resource-policy';

/** What `helm template` wrote, each document under the name of its template. */
export const manifestsIn = (output: string): ManifestText[] =>
  output
    .split(/^---\n(?=# Source: )/m)
    .filter((text) => text.trim() !== '')
    .map((text) => ({ file: /^# Source: (.+)/.exec(text)?.[1] ?? 'helm template', text }));

/** What is applied, and the hooks, which are not: Helm runs them before and after an upgrade, and deletes them. */
export const withoutHooks = (objects: readonly KubeObject[]): { objects: KubeObject[]; hooks: string[] } => {
  const { hook = [], object = [] } = Object.groupBy(objects, ({ metadata }) =>
    metadata.annotations?.[HOOK] === undefined ? 'object' : 'hook',
  );
  return { objects: object.map(kept), hooks: hook.map(described).toSorted() };
};

const described = (hook: KubeObject): string =>
  `${describeKey(keyOf(hook))} (${(hook.metadata.annotations?.[HOOK] ?? '').slice(0, 100)})`;

/** What Helm leaves behind when a chart goes, or no longer has it, is not pruned either. */
const kept = (object: KubeObject): KubeObject => {
  const { metadata } = object;
  if (metadata.annotations?.[POLICY]?.trim().toLowerCase() !== 'keep') return object;
  return {
    ...object,
    metadata: { ...metadata, annotations: { [annotations.prune]: 'disabled', ...metadata.annotations } },
  };
};
