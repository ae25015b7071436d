/**
 * Whether nothing is injected there: what runs the cluster, and what runs metricops itself, must start without it.
 * @param system the namespace of this installation, POD_NAMESPACE
 */
export const isSystemNamespace = (namespace: string | undefined, system: string): boolean =>
  namespace === 'kube-system' || namespace === system;
