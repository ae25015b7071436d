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

const UID = /-[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/;
