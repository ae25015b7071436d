import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { load, loadAll } from 'js-yaml';
import { describe, it } from 'mocha';
import { API_VERSION } from '../../src/api/annotations.ts';
import type { KubeObject } from '../../src/api/meta.ts';
import { isMeasured, type MeasuredObjective, type RollbackPolicy } from '../../src/api/rollback-policy.ts';
import { resources } from '../../src/kube/index.ts';
import { budgetOf, burnWindowsOf, detectMs, promDuration, rulesFor } from '../../src/slo/index.ts';
import { runCli } from '../support/cli.ts';
import { useControlPlane } from '../support/cluster.ts';
import { eventually } from '../support/poll.ts';
import { promtool } from '../support/promtool.ts';

const EXAMPLES = join(import.meta.dirname, '../../examples');
const examples = (loadAll(readFileSync(join(EXAMPLES, 'rollback-policy.yaml'), 'utf8')) as RollbackPolicy[]).filter(
  ({ spec }) => (spec.objectives ?? []).some(isMeasured),
);

const MINUTE = 60_000;
/** Rules are evaluated so often: each minute would take promtool minutes. */
const EVERY_MS = 5 * MINUTE;
const A_MINUTE = 6_000;

/** Counters of a workload that fails nothing while it is calm, and then a part of its requests. */
const seriesOf = (errorRatio: number, calmMs: number, burnMinutes: number): object[] => {
  const calm = calmMs / MINUTE;
  const failed = Math.round(A_MINUTE * errorRatio);
  const series = (code: string, before: number, since: number): object => ({
    series: `http_requests_total{namespace="shop",service="checkout",pod="checkout-1-a",code="${code}"}`,
    values: `0+${before}x${calm} ${before * calm + since}+${since}x${burnMinutes}`,
  });
  return [series('500', 0, failed), series('200', A_MINUTE, A_MINUTE - failed)];
};

/** The windows that burn so long after the errors began, or undefined where one of them is too near to its threshold. */
const burning = (
  objective: MeasuredObjective,
  errorRatio: number,
  { calmMs, sinceMs }: { calmMs: number; sinceMs: number },
): string[] | undefined => {
  const found: string[] = [];
  for (const { longMs, shortMs, factor } of burnWindowsOf(objective)) {
    const threshold = factor * budgetOf(Number(objective.target));
    // There are no requests before the calm time, so a longer window is only as long as both.
    const ratios = [longMs, shortMs].map(
      (ms) => (errorRatio * Math.min(sinceMs, ms)) / Math.min(ms, calmMs + sinceMs) / threshold,
    );
    if (ratios.some((ratio) => Math.abs(ratio - 1) < 0.08)) return undefined;
    if (ratios.every((ratio) => ratio > 1)) found.push(promDuration(longMs));
  }
  return found;
};

/** For each window: a burn that is not long enough yet, and one that is. */
const casesOf = (policy: RollbackPolicy, objective: MeasuredObjective): object[] =>
  burnWindowsOf(objective).flatMap(({ longMs, factor }) => {
    const target = Number(objective.target);
    const errorRatio = Math.min(1, 1.5 * factor * budgetOf(target));
    const detect = detectMs({ target, factor, longMs, errorRatio });
    const minutes = Math.ceil((1.5 * detect) / MINUTE);
    const moments = [0.6, 0.8, 1.2, 1.4].flatMap((part) => {
      const sinceMs = Math.round((part * detect) / EVERY_MS) * EVERY_MS;
      const windows = burning(objective, errorRatio, { calmMs: longMs, sinceMs });
      return windows === undefined ? [] : [{ sinceMs, windows }];
    });
    const fires = new Set(moments.map(({ windows }) => windows.includes(promDuration(longMs))));
    assert.equal(fires.size, 2, `${promDuration(longMs)} is seen to fire, and not to fire yet`);
    return [
      {
        interval: '1m',
        input_series: seriesOf(errorRatio, longMs, minutes),
        alert_rule_test: moments.map(({ sinceMs, windows }) => ({
          eval_time: promDuration(longMs + sinceMs),
          alertname: 'ErrorBudgetBurn',
          exp_alerts: rulesFor(policy)
            .rules.filter(({ labels }) => windows.includes(labels.window ?? ''))
            .map(({ labels, annotations }) => ({ exp_labels: labels, exp_annotations: annotations })),
        })),
      },
    ];
  });

describe('the rules of the example', () => {
  it('are taken by promtool', async () => {
    const { code, said } = await promtool(['check', 'rules', 'rules.json'], {
      'rules.json': { groups: examples.map(rulesFor) },
    });
    assert.equal(code, 0, said);
    assert.match(said, /SUCCESS: 4 rules found/);
  });

  it('fire as soon as each window says so, and not before', async function () {
    this.timeout(120_000);
    const tests = examples.flatMap((policy) =>
      policy.spec.objectives.filter(isMeasured).flatMap((objective) => casesOf(policy, objective)),
    );
    assert.equal(tests.length, 4);
    const { code, said } = await promtool(['test', 'rules', 'tests.json'], {
      'rules.json': { groups: examples.map(rulesFor) },
      'tests.json': { rule_files: ['rules.json'], evaluation_interval: promDuration(EVERY_MS), tests },
    });
    assert.equal(code, 0, said.slice(0, 4000));
  });
});

/** As prometheus-operator serves it, in short. */
const PROMETHEUS_RULE = {
  apiVersion: 'apiextensions.k8s.io/v1',
  kind: 'CustomResourceDefinition',
  metadata: {
    name: 'prometheusrules.monitoring.coreos.com',
    annotations: { 'api-approved.kubernetes.io': 'a test' },
  },
  spec: {
    group: 'monitoring.coreos.com',
    scope: 'Namespaced',
    names: {
      kind: 'PrometheusRule',
      plural: 'prometheusrules',
      singular: 'prometheusrule',
      listKind: 'PrometheusRuleList',
    },
    versions: [
      {
        name: 'v1',
        served: true,
        storage: true,
        schema: {
          openAPIV3Schema: {
            type: 'object',
            properties: { spec: { type: 'object', 'x-kubernetes-preserve-unknown-fields': true } },
          },
        },
      },
    ],
  },
};

describe('metricops slo rules', () => {
  const plane = useControlPlane();
  const metricops = (...argv: string[]) => runCli(plane().kubeconfig, argv);

  const policy = async (namespace: string, name: string, spec: object): Promise<RollbackPolicy> =>
    plane().client.create<RollbackPolicy>(resources.rollbackPolicies, {
      apiVersion: API_VERSION,
      kind: 'RollbackPolicy',
      metadata: { namespace, name },
      spec: spec as RollbackPolicy['spec'],
    });
  const indicator = { ratio: { errors: 'sum(rate(e[$window]))', total: 'sum(rate(t[$window]))' } };
  const measured = { targetRef: { name: 'web' }, objectives: [{ name: 'availability', target: '99.9', indicator }] };

  it('prints a rule file that promtool takes, and a PrometheusRule with the same rules', async () => {
    const namespace = await plane().namespace('rules');
    await policy(namespace, 'web', measured);
    const plain = await metricops('slo', 'rules', 'web', '-n', namespace, '--format', 'plain');
    assert.equal(plain.code, 0, plain.err);
    const file = load(plain.out) as { groups: unknown[] };
    const checked = await promtool(['check', 'rules', 'rules.json'], { 'rules.json': file });
    assert.equal(checked.code, 0, checked.said);
    const printed = await metricops('slo', 'rules', '-n', namespace, '--label', 'release=prometheus');
    const rule = load(printed.out) as KubeObject;
    assert.equal(rule.kind, 'PrometheusRule');
    assert.deepEqual(rule.metadata, {
      name: 'metricops-web',
      namespace,
      labels: { 'app.kubernetes.io/managed-by': 'metricops', release: 'prometheus' },
    });
    assert.deepEqual((rule.spec as { groups: unknown[] }).groups, file.groups);
  });

  it('says why a policy has no rules', async () => {
    const namespace = await plane().namespace('rules');
    await policy(namespace, 'by-alerts', {
      targetRef: { name: 'web' },
      objectives: [{ name: 'a', alerts: { matchLabels: { slo: 'web' } } }],
    });
    await policy(namespace, 'many', { ...measured, targetRef: undefined, selector: {} });
    const none = await metricops('slo', 'rules', 'by-alerts', '-n', namespace);
    assert.deepEqual([none.code, none.out], [1, '']);
    assert.match(none.err, /no rules for RollbackPolicy by-alerts: no objective has a target and an indicator/);
    const all = await metricops('slo', 'rules', '-n', namespace);
    assert.equal(all.code, 1);
    assert.match(
      all.err,
      /no rules for .*\/many: it guards workloads by their labels, .*: give each a policy with targetRef/,
    );
    assert.match(
      (await metricops('slo', 'rules', 'nothing', '-n', namespace)).err,
      /There is no RollbackPolicy nothing/,
    );
  });

  it('applies them where prometheus-operator is, deleted with the policy, and says where it is not', async () => {
    const { client, discovery, namespace } = plane();
    const ns = await namespace('rules');
    const made = await policy(ns, 'web', measured);
    const lacking = await metricops('slo', 'rules', 'web', '-n', ns, '--apply');
    assert.equal(lacking.code, 1);
    assert.match(lacking.err, /no kind PrometheusRule.*\n.*--format plain/);
    await client.create(resources.crds, PROMETHEUS_RULE);
    try {
      const applied = await eventually(
        async () => {
          const tried = await metricops('slo', 'rules', 'web', '-n', ns, '--apply', '--label', 'release=prometheus');
          return tried.code === 0 && tried;
        },
        { what: 'the rules' },
      );
      assert.match(applied.out, new RegExp(`PrometheusRule ${ns}/metricops-web applied`));
      await discovery.refresh();
      const type = await discovery.find('monitoring.coreos.com/v1', 'PrometheusRule');
      assert.ok(type);
      const rule = await client.get(type, { namespace: ns, name: 'metricops-web' });
      assert.deepEqual(
        rule?.metadata.ownerReferences?.map(({ kind, uid }) => [kind, uid]),
        [['RollbackPolicy', made.metadata.uid]],
      );
      assert.equal(rule?.metadata.labels?.release, 'prometheus');
      assert.deepEqual(rule?.spec, { groups: [rulesFor(made)] });
    } finally {
      await client.delete(resources.crds, { name: PROMETHEUS_RULE.metadata.name });
    }
  });
});
