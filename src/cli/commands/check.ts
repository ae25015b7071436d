import { readDeliveries, refusedSince } from '../../alertmanager/index.ts';
import { annotations, GROUP, SYSTEM_NAMESPACE } from '../../api/annotations.ts';
import { injectionOf } from '../../api/injection.ts';
import type { KubeObject } from '../../api/meta.ts';
import { reasons } from '../../api/reasons.ts';
import { TOKENS } from '../../callers/tokens.ts';
import { rolloutOf } from '../../health/rollout.ts';
import { isForbidden, KubeError, resources } from '../../kube/index.ts';
import { isUncovered } from '../../read-model/index.ts';
import { withoutSecretTexts } from '../../telemetry/index.ts';
import type { Cli } from '../context.ts';
import { coverage } from '../coverage.ts';
import { age, labelsWords, plural, span, workloadWords } from '../words.ts';
import { unwatchedKinds, watchRule } from './check-kinds.ts';
import { GAP_MEANS, requestedByGaps } from './check-requested-by.ts';
import { lostWords, RESTORE_KEY, recordedSnapshots } from './check-snapshots.ts';
import { checkWorkload } from './check-workload.ts';
import { type Finding, printFindings } from './findings.ts';
import { unestablished } from './install.ts';

export const CHECK_HELP = `
Without a workload: is everything there that metricops needs? With one: would a burn of it lead to a rollback, and if
not, why not?

Examples:
  metricops check
  metricops check deploy/web -n shop
  metricops check -o json | jq '.checks[] | select(.result != "ok")'`;

type Answer = Omit<Finding, 'name'>;
type Check = (cli: Cli) => Promise<Answer>;

const ok = (message: string): Answer => ({ result: 'ok', message });
const system = (name: string): { namespace: string; name: string } => ({ namespace: SYSTEM_NAMESPACE, name });

/** Native sidecars: beta and on by default from this on. */
const MINOR = 29;
/** Supported minors: the one that the tests run on, and the three before it. */
const SUPPORTED = { from: 31, to: 34 };

const serverVersion: Check = async (cli) => {
  const { major, minor, gitVersion } = (await cli.client.raw('GET', '/version')) as Record<string, string>;
  const { from, to } = SUPPORTED;
  const found = Number(major) > 1 ? Number.POSITIVE_INFINITY : Number.parseInt(minor ?? '0', 10);
  if (found >= from && found <= to) return ok(`Kubernetes ${gitVersion}`);
  if (found < MINOR)
    return { result: 'failed', message: `Kubernetes ${gitVersion}`, next: `upgrade to 1.${from} or later` };
  const message = `Kubernetes ${gitVersion} is ${found < from ? 'older' : 'newer'} than what is supported`;
  return { result: 'warning', message, next: `supported are 1.${from} to 1.${to}` };
};

const nodes: Check = async (cli) => {
  const { items } = await cli.client.list(resources.nodes);
  const version = (node: KubeObject): string =>
    (node.status as { nodeInfo?: { kubeletVersion?: string } } | undefined)?.nodeInfo?.kubeletVersion ?? '';
  const old = items.filter((node) => Number(version(node).split('.')[1] ?? MINOR) < MINOR);
  if (old.length === 0) return ok(`${plural(items.length, 'node')} with native sidecars`);
  return {
    result: 'warning',
    message: `no native sidecars on ${old.map((node) => `${node.metadata.name} (${version(node)})`).join(', ')}`,
    next: `pods that can go there are not injected: upgrade their kubelets to 1.${MINOR}, or keep the pods away`,
  };
};

const kinds: Check = async (cli) => {
  const missing = await unestablished(cli);
  return missing.length === 0
    ? ok('kinds are served')
    : { result: 'failed', message: `not served: ${missing.join(', ')}`, next: 'metricops install' };
};

const controller: Check = async (cli) => {
  const deployment = await cli.client.get(resources.deployments, system('metricops'));
  if (!deployment) {
    return { result: 'failed', message: `no controller in ${SYSTEM_NAMESPACE}`, next: 'metricops install' };
  }
  const { done, message, available } = rolloutOf(deployment);
  if (done) return ok(`controller: ${message}`);
  return {
    result: available > 0 ? 'warning' : 'failed',
    message: `controller: ${message}`,
    next: `kubectl -n ${SYSTEM_NAMESPACE} describe pods; kubectl -n ${SYSTEM_NAMESPACE} logs deploy/metricops`,
  };
};

const webhook: Check = async (cli) => {
  const found = await cli.client.get(resources.mutatingWebhooks, { name: 'metricops' });
  if (!found)
    return { result: 'failed', message: 'no MutatingWebhookConfiguration metricops', next: 'metricops install' };
  const entries = (found.webhooks ?? []) as { name: string; clientConfig: { caBundle?: string } }[];
  const without = entries.filter((entry) => !entry.clientConfig.caBundle);
  if (without.length === 0) return ok(`webhook: ${plural(entries.length, 'entry', 'entries')} with a CA`);
  return {
    result: 'failed',
    message: `no caBundle in ${without.map((entry) => entry.name).join(', ')}`,
    next: 'the controller writes it once it leads: metricops check again, then its logs',
  };
};

/** Creates a pod that is opted in, as a dry run: the API server asks the webhook, nothing is stored. */
const injection: Check = async (cli) => {
  if (!(await cli.client.get(resources.mutatingWebhooks, { name: 'metricops' }))) {
    return { result: 'skipped', message: 'injection: there is no webhook' };
  }
  const image = 'metricops.dev/check';
  const pod: KubeObject = {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: { name: 'metricops-check', namespace: 'default', annotations: { [annotations.inject]: 'true' } },
    spec: { containers: [{ name: 'check', image }] },
  };
  const answer = await cli.client.create(resources.pods, pod, { dryRun: true });
  const injection = injectionOf(answer);
  if (injection.is === 'injected') return ok('the API server reaches the webhook');
  if (injection.is === 'skipped')
    return { result: 'warning', message: `the webhook leaves an opted-in pod alone: ${injection.why}` };
  return {
    result: 'failed',
    message: 'the API server does not reach the webhook: an opted-in pod comes back as it was',
    next: `a firewall between the control plane and port 9443 of the pods? kubectl -n ${SYSTEM_NAMESPACE} get endpointslices`,
  };
};

const RIGHTS: { verb: string; group: string; resource: string; name?: string }[] = [
  { verb: 'watch', group: '', resource: 'pods' },
  { verb: 'patch', group: 'apps', resource: 'deployments' },
  { verb: 'create', group: 'apps', resource: 'controllerrevisions' },
  { verb: 'create', group: '', resource: 'secrets' },
  { verb: 'impersonate', group: '', resource: 'serviceaccounts' },
  { verb: 'create', group: GROUP, resource: 'holds' },
  {
    verb: 'patch',
    group: 'admissionregistration.k8s.io',
    resource: 'mutatingwebhookconfigurations',
    name: 'metricops',
  },
];

const controllerMay = async (cli: Cli, resourceAttributes: (typeof RIGHTS)[number]): Promise<boolean> => {
  const user = `system:serviceaccount:${SYSTEM_NAMESPACE}:metricops`;
  const path = '/apis/authorization.k8s.io/v1/subjectaccessreviews';
  const spec = { user, resourceAttributes };
  const review = { apiVersion: 'authorization.k8s.io/v1', kind: 'SubjectAccessReview', spec };
  const { status } = (await cli.client.raw('POST', path, review)) as { status: { allowed: boolean } };
  return status.allowed;
};

const controllerRights: Check = async (cli) => {
  const refused: string[] = [];
  for (const right of RIGHTS) {
    if (!(await controllerMay(cli, right))) refused.push(`${right.verb} ${right.resource}`);
  }
  if (refused.length === 0) return ok('the controller has its rights');
  return { result: 'failed', message: `the controller may not ${refused.join(', ')}`, next: 'metricops install' };
};

const appliedKinds: Check = async (cli) => {
  if ((await unestablished(cli)).length > 0) return { result: 'skipped', message: 'no GitSync is there yet' };
  const unwatched = await unwatchedKinds(cli.client, (right) => controllerMay(cli, right));
  if (unwatched.length === 0) return ok('every kind that a GitSync applies is watched');
  const names = unwatched.map(({ group, plural, syncs }) => {
    const more = syncs.length > 1 ? ` and ${syncs.length - 1} more` : '';
    return `${plural}${group === '' ? '' : `.${group}`} (${syncs[0]}${more})`;
  });
  return {
    result: 'warning',
    message: `applied and not watched, so that drift is seen at the interval only: ${names.join(', ')}`,
    next: `a ClusterRole with the label metricops.dev/aggregate-to-applier=true and the rules ${unwatched.map(watchRule).join(', ')}`,
  };
};

const ownRights: Check = async (cli) => {
  const resourceAttributes = { verb: 'create', group: GROUP, resource: 'holds', namespace: cli.namespace };
  const review = {
    apiVersion: 'authorization.k8s.io/v1',
    kind: 'SelfSubjectAccessReview',
    spec: { resourceAttributes },
  };
  const path = '/apis/authorization.k8s.io/v1/selfsubjectaccessreviews';
  const { status } = (await cli.client.raw('POST', path, review)) as { status: { allowed: boolean } };
  if (status.allowed) return ok(`you may roll back in ${cli.namespace}`);
  return {
    result: 'warning',
    message: `you may not roll back in ${cli.namespace}`,
    next: 'ask for a RoleBinding to the ClusterRole metricops-release-manager',
  };
};

const requestedBy: Check = async (cli) => {
  const gaps = await requestedByGaps(cli.client);
  if (gaps.length === 0) return ok('the API server checks who asked for a Hold');
  return { result: 'failed', message: `${gaps.join('; ')}: ${GAP_MEANS}`, next: 'metricops install' };
};

const tokens: Check = async (cli) => {
  const missing: string[] = [];
  for (const [name, who] of Object.entries(TOKENS)) {
    const secret = await cli.client.get(resources.secrets, system(name));
    if (!(secret?.data as Record<string, string> | undefined)?.token) missing.push(`Secret ${name} for ${who}`);
  }
  if (missing.length === 0) return ok('tokens for Alertmanager and push hooks are there');
  return {
    result: 'warning',
    message: `no token: ${missing.join(', ')}; their requests are answered 401`,
    next: 'the controller makes them when it begins to lead: see its logs; metricops install makes them, too',
  };
};

/** Alertmanager's: nobody but metricops knows whether they arrive. */
const deliveries: Check = async (cli) => {
  const [found, { items: policies }] = await Promise.all([
    readDeliveries(cli.client, SYSTEM_NAMESPACE),
    cli.client.list(resources.rollbackPolicies, { metadataOnly: true }),
  ]);
  const { accepted, unmatched } = found;
  const ago = (time: string): string => `${age(time, cli.io.now())} ago`;
  const refused = refusedSince(found);
  if (refused) {
    const message = `Alertmanager's deliveries are refused: ${refused.code}, ${plural(refused.count, 'time')}, the last ${ago(refused.lastTime)}`;
    return { result: 'failed', message, next: reasons[refused.code].next };
  }
  if (accepted) {
    const others = unmatched
      ? `; ${plural(unmatched.count, 'alert')} matched no workload, the last ${ago(unmatched.lastTime)}: ${labelsWords(unmatched.labels)}`
      : '';
    return ok(`Alertmanager delivers: the last time ${ago(accepted.lastTime)}${others}`);
  }
  if (found.tests.length > 0)
    return ok(`a test alert arrived ${ago(found.tests.at(-1)?.time ?? '')}, and no other yet`);
  if (policies.length === 0) return ok('no alert was delivered yet, and no RollbackPolicy waits for one');
  return {
    result: 'warning',
    message: `no Alertmanager has delivered an alert yet, and ${plural(policies.length, 'RollbackPolicy waits', 'RollbackPolicies wait')} for one`,
    next: 'metricops test-alert WORKLOAD --through-alertmanager URL',
  };
};

const snapshots: Check = async (cli) => {
  const found = await recordedSnapshots(cli);
  if (found.total === 0) return ok('no release is recorded yet');
  if (found.lost.length === 0) return ok(`${plural(found.total, 'snapshot')} of releases, with their key`);
  return { result: found.hasKey ? 'warning' : 'failed', message: lostWords(found), next: RESTORE_KEY };
};

const MAX_SKEW_MS = 30_000;

interface Lease extends KubeObject {
  spec?: { renewTime?: string; holderIdentity?: string };
}

/**
 * The controller writes its own time into its Lease, and the API server notes when that was: both clocks in one object,
 * whatever this machine's clock says.
 */
const clocks: Check = async (cli) => {
  const lease = await cli.client.get<Lease>(resources.leases, system('metricops'));
  const noted = ((lease?.metadata.managedFields ?? []) as { time?: string }[])
    .flatMap(({ time }) => (time === undefined ? [] : [Date.parse(time)]))
    .toSorted((a, b) => b - a)[0];
  const { renewTime, holderIdentity = 'the controller' } = lease?.spec ?? {};
  if (renewTime === undefined || noted === undefined) return { result: 'skipped', message: 'clocks: nobody leads' };
  const skew = Date.parse(renewTime) - noted;
  if (Math.abs(skew) <= MAX_SKEW_MS) return ok('the clocks of the controller and the API server agree');
  return {
    result: 'warning',
    message: `the clock of ${holderIdentity} is ${span(Math.abs(skew))} ${skew > 0 ? 'ahead of' : 'behind'} the API server's: when a burn began is compared with when a release began`,
    next: 'let its node follow NTP, as the nodes of the control plane do',
  };
};

const prometheus: Check = async (cli) => {
  const config = await cli.client.get(resources.configMaps, system('metricops-config'));
  const url = (config?.data as Record<string, string> | undefined)?.METRICOPS_PROMETHEUS_URL;
  if (url) return ok(`burn rates are queried from ${withoutSecretTexts(url)}`);
  return {
    result: 'warning',
    message: 'no Prometheus: every verdict is Inconclusive, and a person has to decide',
    next: 'metricops install --prometheus-url http://...',
  };
};

const recorder: Check = async (cli) => {
  const all = await coverage(cli.client, {});
  const missing = all.filter(isUncovered);
  if (all.length === 0) return ok('no workload is opted in yet');
  if (missing.length === 0) return ok(`the recorder is in every pod of ${plural(all.length, 'opted-in workload')}`);
  const lines = missing.map(
    ({ workload, why }) => `${workload.namespace}/${workloadWords(workload)}${why === undefined ? '' : ` (${why})`}`,
  );
  return {
    result: 'warning',
    message: `pods without the recorder: ${lines.join(', ')}`,
    next: 'kubectl rollout restart them; `metricops status -A` says why',
  };
};

/** In the order in which a person would look; each stands for itself. */
const CHECKS: Record<string, Check> = {
  server: serverVersion,
  nodes,
  kinds,
  controller,
  webhook,
  injection,
  controllerRights,
  appliedKinds,
  ownRights,
  requestedBy,
  tokens,
  deliveries,
  clocks,
  snapshots,
  prometheus,
  recorder,
};

export const check = async (cli: Cli, workload?: string): Promise<void> => {
  if (workload !== undefined) return checkWorkload(cli, workload);
  const findings: Finding[] = [];
  for (const [name, run] of Object.entries(CHECKS))
    findings.push({ name, ...(await run(cli).catch((error: unknown) => notSeen(name, error))) });
  printFindings(cli, findings);
};

/** A check that this person may not make says nothing about the installation. */
const notSeen = (name: string, error: unknown): Answer => {
  if (isForbidden(error)) return { result: 'skipped', message: `${name}: you may not read this (${error.message})` };
  if (error instanceof KubeError && error.status > 0) return { result: 'failed', message: error.message };
  throw error;
};
