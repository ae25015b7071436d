import type { KubeObject } from '../../api/meta.ts';

const HELM = 'helm.sh/hook';
const ARGO_CD = 'argocd.argoproj.io/hook';
/** Those that run when a release follows another one: not at the first install, a test, a deletion or a rollback. */
const ON_UPGRADE: Readonly<Record<string, readonly string[]>> = {
  [HELM]: ['pre-upgrade', 'post-upgrade'],
  [ARGO_CD]: ['PreSync', 'Sync', 'PostSync'],
};

/**
 * A Job that Helm or Argo CD would run at each upgrade, in words: it often migrates a database, which no rollback takes
 * back. The first by name; undefined where the namespace has none.
 */
export const upgradeHookIn = (namespace: string | undefined, objects: Iterable<KubeObject>): string | undefined => {
  const found: string[] = [];
  for (const { kind, metadata } of objects) {
    if (kind !== 'Job' || metadata.namespace !== namespace) continue;
    const hook = hookOf(metadata.annotations ?? {});
    if (hook !== undefined) found.push(`${hook} hook Job ${metadata.name}`);
  }
  return found.toSorted()[0];
};

/** Of a list that commas separate. Objects in Git may hold anything where a text belongs. */
const hookOf = (annotations: Record<string, unknown>): string | undefined => {
  for (const [name, ofUpgrade] of Object.entries(ON_UPGRADE)) {
    const hooks = String(annotations[name] ?? '').split(',');
    const found = hooks.map((hook) => hook.trim()).find((hook) => ofUpgrade.includes(hook));
    if (found !== undefined) return found;
  }
  return undefined;
};
