import assert from 'node:assert/strict';
import { SYSTEM_NAMESPACE } from '../../src/api/annotations.ts';
import { resources } from '../../src/kube/index.ts';
import { rulesFor } from '../../src/slo/index.ts';
import { endProcess, startTimeOf } from '../../tools/cluster/processes.ts';
import { waitFor } from '../../tools/cluster/wait.ts';
import type { Environment } from '../../tools/demo/environment.ts';
import { deployShop, type Shop, shopPolicy } from '../../tools/demo/shop.ts';
import { optIn } from '../../tools/demo/story.ts';

/** The good image of the shop, in all of its pods. */
const GOOD = Array(3).fill('metricops.dev/shop:v1').join();

/**
 * Opted in, with an objective, recorded, and with traffic that Prometheus has seen.
 * @param serviceAccountName as which its GitSync applies
 */
export const shopUnderLoad = async (
  env: Environment,
  namespace: string,
  serviceAccountName?: string,
): Promise<{ shop: Shop; stop: () => Promise<unknown> }> => {
  const shop = await deployShop(env, namespace, serviceAccountName);
  await shop.until('the shop to run', async () => ((await shop.images()).length === 3 ? true : undefined));
  await optIn(env, shop);
  const policy = shopPolicy(namespace);
  await env.client.create(resources.rollbackPolicies, policy);
  await env.monitoring.setRules([rulesFor(policy)]);
  const stop = await shop.load(50);
  const query = `sum(increase(http_requests_total{namespace="${namespace}",service="checkout"}[10s]))`;
  await waitFor('traffic', async () => ((await env.monitoring.query(query)) > 100 ? true : undefined), {
    timeoutMs: 60_000,
  });
  return { shop, stop };
};

/** Waits until all pods run the good image again. */
export const goodPods = (shop: Shop): Promise<true> =>
  shop.until('good pods', async () => ((await shop.images()).join() === GOOD ? true : undefined));

/** SIGKILL to the controllers' own processes: no preStop hook, no graceful end. */
export const killControllers = async (env: Environment): Promise<void> => {
  const pids = (await env.cluster.exec(['pgrep', '-f', '/app/controller.js'])).split('\n').filter(Boolean).map(Number);
  assert.ok(pids.length > 0, 'there are controllers to kill');
  await Promise.all(pids.map((pid) => endProcess({ pid, startTime: startTimeOf(pid) }, 0)));
};

/** Of a counter of the controller, the sum over its replicas of the series that have this label. */
export const countOf = async ({ client }: Environment, metric: string, label: string): Promise<number> => {
  const labelSelector = 'app.kubernetes.io/name=metricops,app.kubernetes.io/component=controller';
  const { items } = await client.list(resources.pods, { namespace: SYSTEM_NAMESPACE, labelSelector });
  const counts = items.map(async ({ status }) => {
    const { podIP } = (status ?? {}) as { podIP?: string };
    const text = await (await fetch(`http://${podIP}:8080/metrics`)).text();
    const series = text.split('\n').filter((line) => line.startsWith(`${metric}{`) && line.includes(label));
    return series.reduce((sum, line) => sum + Number(line.split(' ').at(-1)), 0);
  });
  return (await Promise.all(counts)).reduce((sum, count) => sum + count, 0);
};

export interface Refusal {
  /** Of the API group `group`, e.g. apps and deployments. */
  group: string;
  resource: string;
  operations: readonly ('CREATE' | 'UPDATE')[];
  /** CEL that is true of what may pass. */
  expression: string;
  message: string;
}

/** What a ValidatingAdmissionPolicy of the platform refuses in a namespace, until the returned function is called. */
export const refuse = async (
  { client }: Environment,
  namespace: string,
  { group, resource, operations, expression, message }: Refusal,
): Promise<() => Promise<void>> => {
  const name = `refuse-${resource}-in-${namespace}`;
  const types = {
    policies: policyType('ValidatingAdmissionPolicy'),
    bindings: policyType('ValidatingAdmissionPolicyBinding'),
  };
  const rule = { apiGroups: [group], apiVersions: ['*'], operations: [...operations], resources: [resource] };
  const matchConstraints = {
    resourceRules: [rule],
    namespaceSelector: { matchLabels: { 'kubernetes.io/metadata.name': namespace } },
  };
  const apiVersion = 'admissionregistration.k8s.io/v1';
  await client.create(types.policies, {
    apiVersion,
    kind: 'ValidatingAdmissionPolicy',
    metadata: { name },
    spec: { failurePolicy: 'Fail', matchConstraints, validations: [{ expression, message }] },
  });
  await client.create(types.bindings, {
    apiVersion,
    kind: 'ValidatingAdmissionPolicyBinding',
    metadata: { name },
    spec: { policyName: name, validationActions: ['Deny'] },
  });
  return async () => {
    await client.delete(types.bindings, { name });
    await client.delete(types.policies, { name });
  };
};

const policyType = (kind: string) => ({
  group: 'admissionregistration.k8s.io',
  version: 'v1',
  kind,
  plural: kind === 'ValidatingAdmissionPolicy' ? 'validatingadmissionpolicies' : 'validatingadmissionpolicybindings',
  namespaced: false,
});
