import { InvalidArgumentError } from 'commander';
import type { KubeObject } from '../../api/meta.ts';
import type { RollbackPolicy } from '../../api/rollback-policy.ts';
import { createDiscovery, resources } from '../../kube/index.ts';
import { prometheusRuleFor, rulesFor, whyNoRules } from '../../slo/index.ts';
import type { Cli } from '../context.ts';
import { CliError } from '../io.ts';
import { plural } from '../words.ts';
import { writeYaml } from '../yaml.ts';
import { listPolicies } from './policies.ts';

export const SLO_RULES_HELP = `
Prints the alerting rules for the objectives of a RollbackPolicy, or of all in the namespace: multiwindow,
multi-burn-rate, as in the SRE workbook. Their alerts have the labels namespace, metricops_policy and
metricops_objective, by which metricops finds the workload; severity is page or ticket. prometheus-operator loads only
what the ruleSelector of its Prometheus selects: add those labels with --label.

Exit code 1 when there is no policy to make rules for.

Examples:
  metricops slo rules checkout -n shop --label release=kube-prometheus-stack --apply
  metricops slo rules -n shop > rules.yaml
  metricops slo rules -A --format plain > /etc/prometheus/rules/metricops.yaml`;

export const RULE_FORMATS = ['prometheusrule', 'plain'] as const;

export interface SloRulesOptions {
  format: (typeof RULE_FORMATS)[number];
  apply?: boolean;
  label?: Record<string, string>;
}

export const sloRules = async (cli: Cli, name: string | undefined, options: SloRulesOptions): Promise<void> => {
  const policies = name === undefined ? await policiesWithRules(cli) : [await policyWithRules(cli, name)];
  const rules = policies.map((policy) => prometheusRuleFor(policy, options.label ?? {}));
  if (options.apply) return apply(cli, rules, options);
  if (options.format === 'plain') {
    const file = { groups: policies.map(rulesFor) };
    return cli.print(file, () => writeYaml(file).trimEnd());
  }
  // What is printed may be applied to another cluster, where the uid of the policy is another one.
  const printed = rules.map(({ metadata: { ownerReferences: _, ...metadata }, ...rule }) => ({ ...rule, metadata }));
  cli.print(printed, () => printed.map((rule) => writeYaml(inOrder(rule)).trimEnd()).join('\n---\n'));
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

const policyWithRules = async (cli: Cli, name: string): Promise<RollbackPolicy> => {
  const policy = await cli.client.get<RollbackPolicy>(resources.rollbackPolicies, { namespace: cli.namespace, name });
  if (!policy)
    throw new CliError(
      `There is no RollbackPolicy ${name} in namespace ${cli.namespace}.`,
      '`kubectl get rollbackpolicies -A` lists them; add -n NAMESPACE.',
    );
  const why = whyNoRules(policy);
  if (why !== undefined) throw new CliError(`There are no rules for RollbackPolicy ${name}: ${why}.`);
  return policy;
};

const policiesWithRules = async (cli: Cli): Promise<RollbackPolicy[]> => {
  const found = await listPolicies(cli);
  for (const policy of found) {
    const why = whyNoRules(policy);
    if (why !== undefined) cli.io.err(`no rules for ${policy.metadata.namespace}/${policy.metadata.name}: ${why}`);
  }
  const kept = found.filter((policy) => whyNoRules(policy) === undefined);
  if (kept.length > 0) return kept;
  const where = cli.scope.namespace === undefined ? 'the cluster' : `namespace ${cli.scope.namespace}`;
  throw new CliError(`No RollbackPolicy in ${where} has an objective to make rules for.`);
};

const apply = async (cli: Cli, rules: readonly KubeObject[], { format }: SloRulesOptions): Promise<void> => {
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
  for (const rule of rules) await cli.client.apply(type, rule, { fieldManager: 'metricops-cli' });
  cli.print(rules.slice(), () =>
    [
      ...rules.map(({ metadata }) => `PrometheusRule ${metadata.namespace}/${metadata.name} applied`),
      `${plural(rules.length, 'object')}. Whether Prometheus loaded them: kubectl get rollbackpolicies -A, in a few minutes.`,
    ].join('\n'),
  );
};
