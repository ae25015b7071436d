import type { KubeObject } from '../api/meta.ts';
import { recordOf } from './field-set.ts';
import { entriesOf, isApplyOf, type ManagedFieldsEntry } from './managed-fields.ts';

export type Tool = 'kubectl apply' | 'Helm' | 'Flux' | 'Argo CD';

/** The names that the tools apply under. An edit by hand (kubectl-edit, kubectl-patch …) is none of theirs. */
export const MANAGERS: Readonly<Record<Tool, readonly string[]>> = {
  // kubectl-last-applied owns the annotation after `kubectl apply --server-side`; before-first-apply is what an object
  // without managedFields had when somebody applied it first.
  'kubectl apply': ['kubectl-client-side-apply', 'kubectl', 'kubectl-last-applied', 'before-first-apply'],
  Helm: ['helm'],
  Flux: ['kustomize-controller', 'helm-controller'],
  'Argo CD': ['argocd-controller', 'argocd-application-controller', 'kubectl-client-side-apply'],
};

/** Whether an entry came from the tool's applies, for `migrated`. */
export const isToolsManager =
  (tool: Tool) =>
  ({ manager, operation }: ManagedFieldsEntry): boolean =>
    // As `kubectl`, commands like scale and create write by Update.
    MANAGERS[tool].includes(manager) && (manager !== 'kubectl' || operation === 'Apply');

/** Who applies this live object today, by what it left there. Flux and Argo CD first: they also leave traces of the others. */
export const toolOf = (object: KubeObject): Tool | undefined => {
  const [labels, notes] = [recordOf(object.metadata.labels), recordOf(object.metadata.annotations)];
  if ('kustomize.toolkit.fluxcd.io/name' in labels || 'helm.toolkit.fluxcd.io/name' in labels) return 'Flux';
  if ('argocd.argoproj.io/instance' in labels || 'argocd.argoproj.io/tracking-id' in notes) return 'Argo CD';
  if (labels['app.kubernetes.io/managed-by'] === 'Helm' && 'meta.helm.sh/release-name' in notes) return 'Helm';
  const entries = entriesOf(object);
  // By default it tracks by app.kubernetes.io/instance, a label that Helm and others set, too.
  if (entries.some((e) => e.manager.startsWith('argocd-') && isToolsManager('Argo CD')(e))) return 'Argo CD';
  const byKubectl =
    'kubectl.kubernetes.io/last-applied-configuration' in notes ||
    entries.some((e) => e.manager === 'kubectl-client-side-apply' || isApplyOf('kubectl')(e));
  return byKubectl ? 'kubectl apply' : undefined;
};
