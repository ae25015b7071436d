import { annotations } from '../../api/annotations.ts';
import { hookSaidBy, timeOf } from '../../api/hooks.ts';
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

/**
 * What is applied, and in words the hooks that are left out: all of them, or with `run` only those for which there is never
 * a time here, as at a deletion. The others stay among the objects, for whoever runs them.
 */
export const withoutHooks = (
  objects: readonly KubeObject[],
  { run = false }: { run?: boolean } = {},
): { objects: KubeObject[]; hooks: string[] } => {
  const isLeftOut = ({ metadata }: KubeObject): boolean => {
    const said = hookSaidBy(metadata);
    return said?.tool === 'Helm' && !(run && said.words.some(timeOf));
  };
  return {
    objects: objects.filter((object) => !isLeftOut(object)).map(kept),
    hooks: objects.filter(isLeftOut).map(described).toSorted(),
  };
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
