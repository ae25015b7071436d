import { randomBytes } from 'node:crypto';
import { readDeliveries, refusedSince, TEST_LABEL, type TestArrival } from '../../alertmanager/index.ts';
import { SYSTEM_NAMESPACE } from '../../api/annotations.ts';
import { reasons } from '../../api/reasons.ts';
import type { RollbackPolicy } from '../../api/rollback-policy.ts';
import { isMeasured } from '../../api/rollback-policy.ts';
import { type WorkloadKey, workloadString } from '../../api/workload.ts';
import { resources } from '../../kube/index.ts';
import { guardingPolicyAmong } from '../../policy/guard.ts';
import { OBJECTIVE_LABEL, POLICY_LABEL } from '../../slo/index.ts';
import type { Cli } from '../context.ts';
import { CliError } from '../io.ts';
import { type AlertmanagerAnswer, alertmanagerAt, sendDirectly } from '../send-alert.ts';
import { waitFor } from '../wait.ts';
import { labelsWords, leg, workloadWords } from '../words.ts';
import { findWorkload } from '../workload-argument.ts';
import { workloadFindings } from './check-workload.ts';
import { type Finding, printFindings } from './findings.ts';

const ENDPOINT = `http://metricops.${SYSTEM_NAMESPACE}.svc:8080`;

export const TEST_ALERT_HELP = `
Sends an alert with the label ${TEST_LABEL}, waits until metricops has received it, and shows what it reached and what a
burn would lead to. It opens no incident, and nothing is rolled back because of it.

--through-alertmanager takes all routes of your Alertmanager, also those to people: they may be paged. The alert is ended
when it has arrived. --direct tests the token and the endpoint alone; without a URL it sends to
${ENDPOINT}, which works inside of the cluster only.

The labels are those of the burn-rate rules (metricops slo rules) or of the policy's alerts.matchLabels, with
severity=page; set those that your own rules have with --label.

Needs the right to read ConfigMaps in ${SYSTEM_NAMESPACE}, with --direct Secrets, too: run it as somebody who operates
metricops.

Examples:
  kubectl -n monitoring port-forward svc/alertmanager-operated 9093 &
  metricops test-alert deploy/checkout -n shop --through-alertmanager http://localhost:9093
  kubectl -n ${SYSTEM_NAMESPACE} port-forward svc/metricops 8080 &
  metricops test-alert deploy/checkout -n shop --direct http://localhost:8080 --label service=checkout`;

export interface TestAlertOptions {
  throughAlertmanager?: string;
  direct?: string | true;
  label?: Record<string, string>;
  timeout: number;
}

export const testAlert = async (cli: Cli, text: string, options: TestAlertOptions): Promise<void> => {
  const { throughAlertmanager, direct } = options;
  if ((throughAlertmanager === undefined) === (direct === undefined))
    throw new CliError('A test alert is sent one way.', 'Give --through-alertmanager URL, or --direct.');
  const { key, workload } = await findWorkload(cli, text);
  if (!workload) throw new CliError(`There is no ${workloadWords(key)} in namespace ${key.namespace} any more.`);
  const { items: policies } = await cli.client.list<RollbackPolicy>(resources.rollbackPolicies, {
    namespace: key.namespace,
  });
  const id = randomBytes(6).toString('hex');
  const labels = {
    ...(await clusterLabel(cli)),
    ...labelsFor(key, guardingPolicyAmong(policies)(key, workload)),
    ...options.label,
    [TEST_LABEL]: id,
  };
  cli.io.err(`sending an alert with ${labelsWords(labels)}`);
  const sent = { labels, id, timeoutMs: options.timeout };
  const findings =
    throughAlertmanager === undefined
      ? await directly(cli, direct === true || direct === undefined ? ENDPOINT : direct, sent, key)
      : await throughRoutes(cli, throughAlertmanager, sent, key);
  const arrived = findings.every(({ result }) => result !== 'failed');
  printFindings(cli, arrived ? [...findings, ...(await workloadFindings(cli, text))] : findings);
};

interface Sent {
  id: string;
  labels: Record<string, string>;
  timeoutMs: number;
}

/** As the rules have them that report a burn of the workload. */
const labelsFor = (
  { namespace, kind, name }: WorkloadKey,
  policy: RollbackPolicy | undefined,
): Record<string, string> => {
  const measured = policy?.spec.targetRef && policy.spec.objectives.find(isMeasured);
  const claimed = policy?.spec.objectives.find(({ alerts }) => alerts !== undefined)?.alerts?.matchLabels;
  return {
    alertname: 'MetricopsTest',
    severity: 'page',
    ...(measured && policy
      ? { [POLICY_LABEL]: policy.metadata.name, [OBJECTIVE_LABEL]: measured.name }
      : { [kind.toLowerCase()]: name }),
    ...(measured ? {} : claimed),
    namespace,
  };
};

/** Without it no alert counts, where it is configured. */
const clusterLabel = async (cli: Cli): Promise<Record<string, string>> => {
  const name = { namespace: SYSTEM_NAMESPACE, name: 'metricops-config' };
  const config = await cli.client.get(resources.configMaps, name);
  const text = (config?.data as Record<string, string> | undefined)?.METRICOPS_CLUSTER_LABEL ?? '';
  const [label, value] = text.split('=', 2);
  return label && value ? { [label]: value } : {};
};

const directly = async (
  cli: Cli,
  url: string,
  { id, labels, timeoutMs }: Sent,
  key: WorkloadKey,
): Promise<Finding[]> => {
  const secret = await cli.client.get(resources.secrets, {
    namespace: SYSTEM_NAMESPACE,
    name: 'metricops-alertmanager',
  });
  const token = (secret?.data as Record<string, string> | undefined)?.token;
  if (token === undefined)
    return [{ name: 'sent', result: 'failed', message: 'there is no token', next: 'metricops check' }];
  const refusal = await sendDirectly(url, Buffer.from(token, 'base64').toString('utf8').trim(), labels, cli.io.now());
  if (refusal) return [{ name: 'sent', result: 'failed', message: refusal.message, next: refusal.next }];
  const found = await arrivalOf(cli, id, timeoutMs);
  const sent: Finding = { name: 'sent', result: 'ok', message: `${url} took the alert` };
  if (found) return [sent, reached(found, key)];
  const message = `the alert was taken, and is not noted within ${leg(timeoutMs)}`;
  return [
    sent,
    { name: 'arrived', result: 'failed', message, next: `kubectl -n ${SYSTEM_NAMESPACE} logs deploy/metricops` },
  ];
};

const throughRoutes = async (
  cli: Cli,
  url: string,
  { id, labels, timeoutMs }: Sent,
  key: WorkloadKey,
): Promise<Finding[]> => {
  const alertmanager = alertmanagerAt(url);
  const started = cli.io.now();
  await alertmanager.send(labels, { startsAt: started, endsAt: started + timeoutMs + 60_000 });
  cli.io.err('Alertmanager took it; waiting for its delivery (group_wait is 30 s by default)');
  try {
    const found = await arrivalOf(cli, id, timeoutMs);
    const routes = routed(await alertmanager.find(TEST_LABEL, id));
    if (!found) return [routes, await notArrived(cli, timeoutMs, started)];
    const arrived: Finding = {
      name: 'arrived',
      result: 'ok',
      message: `Alertmanager delivered it after ${leg(Math.max(0, Date.parse(found.time) - started))}`,
    };
    return [routes, arrived, reached(found, key)];
  } finally {
    await alertmanager.send(labels, { startsAt: started, endsAt: cli.io.now() });
  }
};

const arrivalOf = (cli: Cli, id: string, timeoutMs: number): Promise<TestArrival | undefined> =>
  waitFor(cli.io, cli.io.now() + timeoutMs, async () =>
    (await readDeliveries(cli.client, SYSTEM_NAMESPACE)).tests.find((test) => test.id === id),
  );

const routed = (answer: AlertmanagerAnswer | undefined): Finding => {
  if (!answer) return { name: 'routes', result: 'failed', message: 'Alertmanager does not have the alert any more' };
  const { receivers, silencedBy, inhibitedBy } = answer;
  const to = `Alertmanager routes it to ${receivers.join(', ') || 'no receiver'}`;
  if (silencedBy.length > 0)
    return { name: 'routes', result: 'failed', message: `${to}, but silence ${silencedBy[0]} mutes it` };
  if (inhibitedBy.length > 0)
    return { name: 'routes', result: 'failed', message: `${to}, but another alert inhibits it (inhibit_rules)` };
  return { name: 'routes', result: 'ok', message: to };
};

/** Refused, or not sent to us: the routes decide that by the labels. */
const notArrived = async (cli: Cli, timeoutMs: number, started: number): Promise<Finding> => {
  const refused = refusedSince(await readDeliveries(cli.client, SYSTEM_NAMESPACE));
  if (refused && Date.parse(refused.lastTime) >= started - 1000) {
    const message = `metricops refused a delivery of Alertmanager meanwhile: ${refused.code}`;
    return { name: 'arrived', result: 'failed', message, next: reasons[refused.code].next };
  }
  return {
    name: 'arrived',
    result: 'failed',
    message: `no delivery of it reached metricops within ${leg(timeoutMs)}`,
    next: 'is one of these receivers that of metricops? If not, a route stops before it, or its matchers want other labels; an AlertmanagerConfig matches alerts of its own namespace only. If it is, see the log of Alertmanager',
  };
};

const reached = ({ workloads, labels }: TestArrival, key: WorkloadKey): Finding => {
  const name = 'reached';
  if (workloads.some((one) => workloadString(one) === workloadString(key)))
    return { name, result: 'ok', message: `its labels reach ${workloads.map(workloadWords).join(', ')}` };
  const others = workloads.map((one) => `${one.namespace}/${workloadWords(one)}`).join(', ');
  const message = `it arrived with ${labelsWords(labels)}, which reach ${others === '' ? 'no workload' : `${others}, not ${workloadWords(key)}`}`;
  return {
    name,
    result: 'failed',
    message,
    next: `metricops check ${workloadWords(key)} -n ${key.namespace} says which labels do`,
  };
};
