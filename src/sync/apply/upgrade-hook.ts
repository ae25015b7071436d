import { switchOf } from '../../api/annotation-values.ts';
import { annotations } from '../../api/annotations.ts';
import { upgradeWordOf } from '../../api/hooks.ts';
import type { KubeObject } from '../../api/meta.ts';

/**
 * A Job that Helm or Argo CD would run at each upgrade, in words: it often migrates a database, which no rollback takes
 * back. One that says of itself that it does no harm, as a check does, is none. The first by name; undefined where the
 * namespace has none.
 */
export const upgradeHookIn = (namespace: string | undefined, objects: Iterable<KubeObject>): string | undefined => {
  const found: string[] = [];
  for (const { kind, metadata } of objects) {
    if (kind !== 'Job' || metadata.namespace !== namespace) continue;
    if (switchOf(metadata, annotations.irreversible) === false) continue;
    const hook = upgradeWordOf(metadata);
    if (hook !== undefined) found.push(`${hook} hook Job ${metadata.name}`);
  }
  return found.toSorted()[0];
};
