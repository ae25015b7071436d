import { InvalidArgumentError } from 'commander';
import type { KubeObject } from '../../api/meta.ts';
import type { RollbackPolicy } from '../../api/rollback-policy.ts';
import { createDiscovery } from '../../kube/index.ts';
import { prometheusRuleFor, rulesFor } from '../../slo/index.ts';
import type { Cli, Local, Printer } from '../context.ts';
import { CliError } from '../io.ts';
import { policiesOfCluster, policiesOfFile } from '../policies-with-rules.ts';
import { plural } from '../words.ts';
import { writeYaml } from '../yaml.ts';

export const SLO_RULES_HELP = `
Prints the alerting rules for the objectives of a RollbackPolicy, or of all in the namespace: multiwindow,
multi-burn-rate, as in the SRE workbook. Their alerts have the labels namespace, metricops_policy and
metricops_objective, by which metricops finds the workload; severity is page or ticket. prometheus-operator loads only
what the ruleSelector of its Prometheus selects: add those labels with --label.

With --file, the policies come from a file, and no cluster is needed: a pipeline can check the rules before anything is
applied. The defaults are those of this version.

Examples:
  metricops slo rules checkout -n shop --label release=kube-prometheus-stack --apply
  metricops slo rules -n shop > rules.yaml
  metricops slo rules -A --format plain > /etc/prometheus/rules/metricops.yaml

  # Without a cluster
  metricops slo rules --file policies.yaml --format plain | promtool check rules`;

export const RULE_FORMATS = ['prometheusrule', 'plain'] as const;

export interface SloRulesOptions {
  format: (typeof RULE_FORMATS)[number];
  apply?: boolean;
  label?: Record<string, string>;
  file?: string;
}

export const sloRules = async (local: Local, name: string | undefined, options: SloRulesOptions): Promise<void> => {
  if (options.file !== undefined) {
    if (options.apply)
      throw new CliError(
        '--apply takes the policies of the cluster; --file needs none.',
        'Leave --apply out, and print to kubectl: metricops slo rules --file FILE | kubectl apply -f -',
      );
    return print(local, await policiesOfFile(local, options.file, name), options);
  }
  const cli = await local.connect();
  const policies = await policiesOfCluster(cli, name);
  if (options.apply) await apply(cli, policies, options);
  else print(cli, policies, options);
};

const print = (
  printer: Printer,
  policies: readonly RollbackPolicy[],
  { format, label = {} }: SloRulesOptions,
): void => {
  if (format === 'plain') {
    const file = { groups: policies.map(rulesFor) };
    printer.print(file, () => writeYaml(file).trimEnd());
    return;
  }
  const rules = policies.map((policy) => prometheusRuleFor(policy, label));
  // What is printed may be applied to another cluster, where the uid of the policy is another one.
  const printed = rules.map(({ metadata: { ownerReferences: _, ...metadata }, ...rule }) => ({ ...rule, metadata }));
  printer.print(printed, () => printed.map((rule) => writeYaml(inOrder(rule)).trimEnd()).join('\n---\n'));
};

/** For `--label`, which may be given several times. */
export const labelOption = (text: string, before: Record<string, string> = {}): Record<string, string> => {
  const [, label, value = ''] = /^([^=]+)=(.*)$/.exec(text) ?? [];
  if (label === undefined) throw new InvalidArgumentError('write it as name=value');
  return { ...before, [label]: value };
};

const inOrder = ({ apiVersion, kind, metadata, ...rest }: KubeObject): object => ({
  apiVersion,
  kind,
  metadata,
  ...rest,
});

const apply = async (
  cli: Cli,
  policies: readonly RollbackPolicy[],
  { format, label = {} }: SloRulesOptions,
): Promise<void> => {
  if (format === 'plain')
    throw new CliError(
      '--apply creates PrometheusRule objects; --format plain is for files.',
      'Leave one of them out.',
    );
  const discovery = createDiscovery(cli.client, { now: cli.io.now, sleep: cli.io.sleep });
  const type = await discovery.find('monitoring.coreos.com/v1', 'PrometheusRule');
  if (!type)
    throw new CliError(
      'This cluster has no kind PrometheusRule: prometheus-operator is not installed.',
      'metricops slo rules --format plain prints a rule file for Prometheus.',
    );
  const rules = policies.map((policy) => prometheusRuleFor(policy, label));
  for (const rule of rules) await cli.client.apply(type, rule, { fieldManager: 'metricops-cli' });
  cli.print(rules, () =>
    [
      ...rules.map(({ metadata }) => `PrometheusRule ${metadata.namespace}/${metadata.name} applied`),
      `${plural(rules.length, 'object')}. Whether Prometheus loaded them: kubectl get rollbackpolicies -A, in a few minutes.`,
    ].join('\n'),
  );
};
