import assert from 'node:assert/strict';
import { after, before, describe, it } from 'mocha';
import { createDeliveryLog, readDeliveries } from '../../src/alertmanager/index.ts';
import { API_VERSION, annotations } from '../../src/api/annotations.ts';
import type { KubeObject } from '../../src/api/meta.ts';
import { createCaches } from '../../src/caches.ts';
import { makeTokens } from '../../src/callers/tokens.ts';
import { systemClock } from '../../src/clock.ts';
import { createIntake } from '../../src/incident/index.ts';
import { createEventSink, isConflict, resources } from '../../src/kube/index.ts';
import { createServer, type Server } from '../../src/server/index.ts';
import { createMetrics, silentLog } from '../../src/telemetry/index.ts';
import { type AlertmanagerFixture, startAlertmanagerFixture } from '../support/alertmanager.ts';
import { type Outcome, runCli } from '../support/cli.ts';
import { useControlPlane } from '../support/cluster.ts';
import { eventually } from '../support/poll.ts';

const SYSTEM = 'metricops-system';

/** The endpoint of a controller, a real Alertmanager that sends pages of one namespace to it, and the command line. */
describe('metricops test-alert', () => {
  const plane = useControlPlane();
  const metrics = createMetrics();
  let watched: ReturnType<typeof createCaches>;
  let server: Server;
  let deliveries: ReturnType<typeof createDeliveryLog>;
  let alertmanager: AlertmanagerFixture;
  let endpoint = '';
  let ns = '';
  let token = '';

  before(async function () {
    this.timeout(60_000);
    const { client } = plane();
    const system = { apiVersion: 'v1', kind: 'Namespace', metadata: { name: SYSTEM } };
    await client.create(resources.namespaces, system).catch((error: unknown) => {
      if (!isConflict(error)) throw error;
    });
    await client.delete(resources.configMaps, { namespace: SYSTEM, name: 'metricops-deliveries' });
    assert.deepEqual(await makeTokens(client, SYSTEM), ['metricops-alertmanager', 'metricops-push']);
    assert.deepEqual(await makeTokens(client, SYSTEM), [], 'one that exists stays');
    const secret = await client.get(resources.secrets, { namespace: SYSTEM, name: 'metricops-alertmanager' });
    assert.ok(secret);
    token = Buffer.from((secret.data as { token: string }).token, 'base64').toString();
    const log = silentLog();
    const common = { client, clock: systemClock, random: Math.random, log, metrics };
    watched = createCaches(client, { clock: systemClock, random: Math.random });
    await watched.ready();
    deliveries = createDeliveryLog({ client, namespace: SYSTEM, clock: systemClock, log });
    const intake = createIntake({
      ...common,
      caches: watched.caches,
      occurred: createEventSink(client, { instance: 'test', clock: systemClock }),
      deliveries,
      onIncident: () => {},
    });
    server = createServer(
      {
        clock: systemClock,
        log,
        registry: metrics.registry,
        refusedRequests: metrics.refusedRequests,
        onAlertsRefused: deliveries.refused,
        alerts: (body) => intake.receive(body),
        records: () => assert.fail('not here'),
        push: { targets: () => [], request: () => assert.fail('not here') },
        secrets: { alertmanager: async () => token, push: async () => undefined },
        isReady: () => true,
        certificates: { onChange: () => () => {} },
      },
      { httpPort: 0, recordsPort: 0, probesPort: 0, host: '127.0.0.1', drainMs: 500 },
    );
    endpoint = `http://127.0.0.1:${(await server.start()).ports.http}`;
    ns = await plane().namespace('alerts');
    const receiver = (credentials: string) => [
      { url: `${endpoint}/api/v1/alerts`, http_config: { authorization: { type: 'Bearer', credentials } } },
    ];
    alertmanager = await startAlertmanagerFixture({
      route: {
        receiver: 'people',
        group_wait: '0s',
        routes: [
          { receiver: 'metricops', matchers: [`namespace="${ns}"`, 'team="shop"'] },
          { receiver: 'wrong-token', matchers: ['team="wrong"'] },
        ],
      },
      receivers: [
        { name: 'people' },
        { name: 'metricops', webhook_configs: receiver(token) },
        { name: 'wrong-token', webhook_configs: receiver('wrong') },
      ],
    });
    await client.create(resources.deployments, {
      apiVersion: 'apps/v1',
      kind: 'Deployment',
      metadata: { namespace: ns, name: 'web', annotations: { [annotations.inject]: 'true' } },
      spec: {
        replicas: 0,
        selector: { matchLabels: { app: 'web' } },
        template: { metadata: { labels: { app: 'web' } }, spec: { containers: [{ name: 'a', image: 'a' }] } },
      },
    });
    await eventually(() => watched.caches.workloads.Deployment.get({ namespace: ns, name: 'web' }));
  });
  after(async () => {
    await alertmanager?.stop();
    await server?.stop();
    await deliveries?.stop();
    await watched?.stop();
    for (const name of ['metricops-alertmanager', 'metricops-push'])
      await plane().client.delete(resources.secrets, { namespace: SYSTEM, name });
  });

  const testAlert = (...argv: string[]): Promise<Outcome> =>
    runCli(plane().kubeconfig, ['test-alert', 'deploy/web', '-n', ns, ...argv]);
  const incidents = async (): Promise<KubeObject[]> =>
    (await plane().client.list(resources.incidents, { namespace: ns })).items;

  it('shows that an alert reaches the workload directly, and what a burn would lead to; no incident comes of it', async () => {
    const { code, out, err } = await testAlert('--direct', endpoint);
    assert.match(err, /sending an alert with alertname="MetricopsTest", severity="page", deployment="web", namespace=/);
    assert.match(
      out,
      /^ok +http:\/\/127.0.0.1:[0-9]+ took the alert\nok +its labels reach deployment\/web\nok +opted in/,
    );
    assert.match(out, /^FAILED +no release of it is recorded yet/m);
    assert.equal(code, 1, 'a burn would lead to nothing yet');
    assert.deepEqual(await incidents(), []);
  });

  it('shows the way through Alertmanager, with its receivers, and ends the alert', async () => {
    const { out } = await testAlert('--through-alertmanager', alertmanager.url, '--label', 'team=shop');
    assert.match(
      out,
      /^ok +Alertmanager routes it to metricops\nok +Alertmanager delivered it after [0-9.]+s\nok +its labels reach deployment\/web$/m,
    );
    assert.deepEqual(await incidents(), []);
    await eventually(
      async () => ((await (await fetch(`${alertmanager.url}/api/v2/alerts`)).json()) as unknown[]).length === 0,
      { what: 'the end of the test alert' },
    );
  });

  it('names the receivers where a route keeps the alert from metricops', async () => {
    const { code, out } = await testAlert('--through-alertmanager', alertmanager.url, '--timeout', '2s');
    assert.equal(code, 1);
    assert.match(
      out,
      /^ok +Alertmanager routes it to people\nFAILED +no delivery of it reached metricops within 2.0s\n +→ is one of these receivers/m,
    );
    assert.doesNotMatch(out, /opted in/, 'what would follow is not shown for an alert that does not arrive');
  });

  it('says that a delivery with a wrong token was refused, and so does check', async () => {
    const { code, out } = await testAlert(
      '--through-alertmanager',
      alertmanager.url,
      '--timeout',
      '5s',
      '--label',
      'team=wrong',
    );
    assert.equal(code, 1);
    assert.match(
      out,
      /^FAILED +metricops refused a delivery of Alertmanager meanwhile: Unauthorized\n +→ Use the token of Secret metricops-alertmanager/m,
    );
    const direct = await fetch(`${endpoint}/api/v1/alerts`, {
      method: 'POST',
      headers: { authorization: 'Bearer no' },
    });
    assert.equal(direct.status, 401);
    const { out: checked } = await runCli(plane().kubeconfig, ['check']);
    assert.match(
      checked,
      /^FAILED +Alertmanager's deliveries are refused: Unauthorized, [0-9]+ times?, the last [0-9]+s ago\n +→ Use the token/m,
    );
  });

  it('says what an alert reached instead', async () => {
    const { code, out } = await testAlert('--direct', endpoint, '--label', 'deployment=other');
    assert.equal(code, 1);
    assert.match(
      out,
      /^FAILED +it arrived with .*deployment="other".*, which reach no workload\n +→ metricops check deployment\/web/m,
    );
  });

  it('says which endpoint refused it, and that nothing listens there', async () => {
    const before = token;
    token = 'changed';
    const refused = await testAlert('--direct', endpoint);
    token = before;
    assert.match(refused.out, /^FAILED +http.*\/api\/v1\/alerts answered 401: Unauthorized, .*\n +→ Use the token/m);
    const nobody = await testAlert('--direct', 'http://127.0.0.1:9');
    assert.match(nobody.err, /127.0.0.1:9 can't be reached: .*\n.*port-forward/);
    assert.match((await testAlert('--direct', 'ftp://x')).err, /"ftp:\/\/x" is no http or https URL/);
    assert.match((await testAlert()).err, /A test alert is sent one way/);
  });

  it('uses the labels of the rules of its policy', async () => {
    const indicator = { ratio: { errors: 'sum(rate(e[$window]))', total: 'sum(rate(t[$window]))' } };
    await plane().client.create(resources.rollbackPolicies, {
      apiVersion: API_VERSION,
      kind: 'RollbackPolicy',
      metadata: { namespace: ns, name: 'web' },
      spec: { targetRef: { name: 'web' }, objectives: [{ name: 'availability', target: '99.9', indicator }] },
    });
    await eventually(() => watched.caches.rollbackPolicies.get({ namespace: ns, name: 'web' }));
    const { out, err } = await testAlert('--direct', endpoint);
    assert.match(err, /metricops_policy="web", metricops_objective="availability"/);
    assert.match(out, /^ok +its labels reach deployment\/web$/m);
    const { tests } = await readDeliveries(plane().client, SYSTEM);
    assert.equal(tests.at(-1)?.labels.metricops_policy, 'web');
  });
});
