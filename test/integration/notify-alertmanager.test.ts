import assert from 'node:assert/strict';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { after, before, describe, it } from 'mocha';
import { createAlertmanagers } from '../../src/alertmanager/index.ts';
import type { Hold } from '../../src/api/hold.ts';
import type { Evidence, Incident } from '../../src/api/incident.ts';
import { createCaches } from '../../src/caches.ts';
import { systemClock } from '../../src/clock.ts';
import { createIntake, type IntakeAnswer } from '../../src/incident/index.ts';
import { resources } from '../../src/kube/index.ts';
import { startIncidentAlerts } from '../../src/notify/index.ts';
import { createMetrics, silentLog } from '../../src/telemetry/index.ts';
import { type AlertmanagerFixture, startAlertmanagerFixture } from '../support/alertmanager.ts';
import { type ApiServer, createApiServer } from '../support/api-server.ts';
import { hold, incident } from '../support/objects.ts';
import { eventually } from '../support/poll.ts';

interface Notified {
  status: string;
  alerts: {
    status: string;
    labels: Record<string, string>;
    annotations: Record<string, string>;
    generatorURL: string;
  }[];
}

const evidence: Evidence = {
  source: 'Alertmanager',
  fingerprint: 'f',
  alert: 'ErrorBudgetBurn',
  status: 'firing',
  labels: { alertname: 'ErrorBudgetBurn', namespace: 'shop', deployment: 'web', team: 'checkout', severity: 'page' },
  links: { generatorURL: 'https://prometheus.example/graph', runbookURL: 'https://runbooks.example/burn' },
  receivedTime: new Date().toISOString(),
  lastReceivedTime: new Date().toISOString(),
};

describe('incidents in a real Alertmanager', () => {
  let fixture: AlertmanagerFixture;
  let server: ApiServer;
  const notified: Notified[] = [];
  const answers: IntakeAnswer[] = [];
  const metrics = createMetrics();
  const stops: (() => Promise<unknown>)[] = [];

  before(async function () {
    this.timeout(60_000);
    server = createApiServer({ namespaces: ['shop'] });
    const { client } = server;
    const watched = createCaches(client, { clock: systemClock, random: Math.random });
    stops.push(watched.stop);
    await watched.ready();
    const common = {
      client,
      caches: watched.caches,
      clock: systemClock,
      random: Math.random,
      log: silentLog(),
      metrics,
    };
    const intake = createIntake({ ...common, occurred: () => {}, onIncident: () => {} });
    // The route of the team leads to its receiver, and to metricops itself.
    const receiver = createServer(async (request, response) => {
      const chunks: Buffer[] = [];
      for await (const chunk of request) chunks.push(chunk as Buffer);
      const body = JSON.parse(Buffer.concat(chunks).toString()) as Notified;
      notified.push(body);
      answers.push(await intake.receive(body));
      response.end();
    });
    await new Promise<void>((resolve) => receiver.listen(0, '127.0.0.1', resolve));
    stops.push(async () => {
      receiver.closeAllConnections();
      receiver.close();
    });
    const webhook = `http://127.0.0.1:${(receiver.address() as AddressInfo).port}/`;
    fixture = await startAlertmanagerFixture({
      route: { receiver: 'team', group_by: ['...'], group_wait: '1s', group_interval: '1s', repeat_interval: '1h' },
      receivers: [{ name: 'team', webhook_configs: [{ url: webhook, send_resolved: true }] }],
    });
    stops.push(fixture.stop);
    const alertmanager = createAlertmanagers({ urls: [fixture.url] });
    stops.push(alertmanager.close);
    const room = startIncidentAlerts({ ...common, alertmanager, cluster: { label: 'cluster', value: 'prod' } });
    stops.push(room.stop);
  });
  after(async () => {
    for (const stop of stops.toReversed()) await stop();
  });

  const write = (status: Incident['status']) => {
    const given = incident('web-3-abc', status, { evidence: [evidence] });
    return server.client.patch<Incident>(
      resources.incidents,
      given.metadata,
      { type: 'merge', body: { status: given.status } },
      { subresource: 'status' },
    );
  };
  const heard = (status: 'firing' | 'resolved', reason: string) =>
    eventually(
      () => notified.flatMap(({ alerts }) => alerts).find((a) => a.status === status && a.labels.reason === reason),
      { what: `${reason} ${status}`, timeoutMs: 30_000 },
    );

  it('reach the receiver of the original alert, are resolved when they are over, and open no incident', async () => {
    const { client } = server;
    const now = new Date().toISOString();
    await client.create<Incident>(resources.incidents, incident('web-3-abc', undefined, { evidence: [evidence] }));
    const needsPerson = {
      type: 'NeedsPerson',
      status: 'True' as const,
      reason: 'AwaitingApproval',
      message: '',
      lastTransitionTime: now,
    };
    await write({ phase: 'Judging', reason: 'AwaitingApproval', message: '20.3 % fail', conditions: [needsPerson] });
    const asked = await heard('firing', 'AwaitingApproval');
    assert.deepEqual(asked.labels, {
      ...evidence.labels,
      alertname: 'MetricopsIncident',
      cluster: 'prod',
      reason: 'AwaitingApproval',
      metricops_incident: 'web-3-abc',
    });
    assert.equal(asked.generatorURL, 'https://prometheus.example/graph');
    assert.equal(asked.annotations.runbook_url, 'https://runbooks.example/burn');
    assert.match(asked.annotations.description ?? '', /20\.3 % fail\nmetricops explain web-3-abc -n shop/);

    const { metadata } = await client.create<Hold>(resources.holds, hold('h'));
    await client.patch(
      resources.holds,
      metadata,
      { type: 'merge', body: { status: { phase: 'Held' } } },
      { subresource: 'status' },
    );
    const conditions = [{ ...needsPerson, status: 'False' as const }];
    await write({ phase: 'Verifying', reason: 'RolledBack', rolledBackTime: now, holdRef: { name: 'h' }, conditions });
    assert.equal((await heard('firing', 'RolledBack')).labels.severity, 'info');
    await heard('resolved', 'AwaitingApproval');

    await client.delete(resources.holds, metadata);
    await heard('resolved', 'RolledBack');
    assert.deepEqual(new Set(answers.map(({ status }) => status)), new Set([200]));
    assert.equal(server.list(resources.incidents).length, 1, 'an alert about an incident opens none');
    const counts = (await metrics.alerts.get()).values;
    assert.ok((counts.find(({ labels }) => labels.result === 'own')?.value ?? 0) >= 4);
    assert.equal(counts.find(({ labels }) => labels.result === 'unmatched')?.value ?? 0, 0);
  });

  it('are taken by the members that are there, and the others are named', async () => {
    const both = createAlertmanagers({ urls: ['http://127.0.0.1:9', fixture.url] });
    const alert = {
      labels: { alertname: 'MetricopsIncident', reason: 'Probe', metricops_incident: 'probe' },
      annotations: {},
      startsAt: new Date().toISOString(),
      endsAt: new Date(Date.now() + 60_000).toISOString(),
    };
    await assert.rejects(both.postAlerts([alert]), /^AlertmanagerError: 1 of 2 members .*127\.0\.0\.1:9: /);
    await heard('firing', 'Probe');
    assert.deepEqual(await both.activeSilences(), [], 'one answer will do');
    await both.close();
  });
});
