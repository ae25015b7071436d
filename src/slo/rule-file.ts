const UID = /-[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/;

/**
 * The namespace that a rule was written in, by the file that Prometheus read it from: `NAMESPACE-NAME-UID.yaml` as
 * prometheus-operator names files, or `NAMESPACE` with or without an ending. A rule's labels are no proof, for whoever
 * writes the rule chooses them. undefined: not known, or several namespaces fit (`shop` and `shop-eu` for `shop-eu-a…`).
 */
export const namespaceOfRule = (file: string, namespaces: readonly string[]): string | undefined => {
  const name = (file.split('/').at(-1) ?? '').replace(/\.(ya?ml|rules)$/, '');
  const byOperator = UID.test(name);
  const fitting = namespaces.filter((n) => (byOperator ? name.startsWith(`${n}-`) : name === n));
  return fitting.length === 1 ? fitting[0] : undefined;
};

/**
 * Whether a rule speaks against a workload without a person's consent, where the workload has no indicator of its own:
 * it was written in the workload's namespace, or in one that the platform trusts.
 *
 * @param namespaces all that the cluster has
 */
export const isTrustedRuleFile = (
  file: string,
  { namespace, trusted, namespaces }: { namespace: string; trusted: readonly string[]; namespaces: readonly string[] },
): boolean => {
  const own = namespaceOfRule(file, namespaces);
  return own !== undefined && (own === namespace || trusted.includes(own));
};
