import assert from 'node:assert/strict';
import { createHmac } from 'node:crypto';
import { afterEach, beforeEach, describe, it } from 'mocha';
import { createApiServer } from '../../../test/support/api-server.ts';
import { type SinkServer, startSinkServer } from '../../../test/support/sink-server.ts';
import { API_VERSION } from '../../api/annotations.ts';
import { type Notification, notificationSpec } from '../../api/notification.ts';
import { unrestrictedPolicy } from '../../api/platform-policy.ts';
import { type KubeClient, resources } from '../../kube/index.ts';
import type { Notice } from '../notice.ts';
import { openSink } from '../sink.ts';
import { SinkError } from '../sink-error.ts';
import { cloudEvent, signatureOf } from './cloud-events.ts';
import { slackMessage } from './slack.ts';
import { teamsMessage } from './teams.ts';

const SHA = 'b'.repeat(40);
const NOW = Date.parse('2026-01-01T12:00:00Z');

describe('a sink', () => {
  let server: SinkServer;
  beforeEach(async () => {
    server = await startSinkServer();
  });
  afterEach(() => server.stop());

  const noticeWith = (rest: Partial<Notice> = {}): Notice => ({
    id: '0123456789abcdef0123456789abcdef',
    time: '2026-01-01T11:59:00.000Z',
    kind: 'Incident',
    namespace: 'shop',
    name: 'web-3-abc',
    reason: 'RolledBack',
    severity: 'warning',
    message: 'release 2 is applied: 20.3 % of its requests failed',
    workload: { kind: 'Deployment', name: 'web' },
    incident: 'web-3-abc',
    release: 3,
    targetRelease: 2,
    links: { runbookURL: 'https://runbooks.example/burn' },
    commits: [
      {
        sha: SHA,
        repository: `${server.url}/shop/web.git`,
        syncNamespace: 'shop',
        workload: { kind: 'Deployment', name: 'web' },
        state: 'failure',
        description: 'rolled back: 20.3 % of its requests failed',
      },
    ],
    ...rest,
  });
  /** Sends a notice; rejects as the sink does. */
  const send = async (sink: object, secret: Record<string, string>, notice = noticeWith()): Promise<void> => {
    const notification: Notification = {
      apiVersion: API_VERSION,
      kind: 'Notification',
      metadata: { namespace: 'shop', name: 'n' },
      spec: notificationSpec.parse({ events: [{ kind: 'Incident' }], sink }),
    };
    const data = Object.fromEntries(
      Object.entries(secret).map(([key, value]) => [key, Buffer.from(value).toString('base64')]),
    );
    const asked: object[] = [];
    const api = createApiServer({ namespaces: ['shop'] });
    await api.client.create(resources.secrets, {
      apiVersion: 'v1',
      kind: 'Secret',
      metadata: { namespace: 'shop', name: 's' },
      data,
    });
    const client: KubeClient = {
      ...api.client,
      get: (type, name) => {
        asked.push(name);
        return api.client.get(type, name);
      },
    };
    const opened = await openSink(notification, {
      client,
      policy: () => ({ ...unrestrictedPolicy, notifications: { allowedHosts: ['127.0.0.1'] } }),
      systemNamespace: 'metricops-system',
      clusterName: undefined,
      now: () => NOW,
    });
    for (const name of asked) assert.deepEqual(name, { namespace: 'shop', name: 's' });
    await opened.send(notice).finally(() => opened.close());
  };
  const secretRef = { name: 's' };
  const only = () => {
    assert.equal(server.received.length, 1, JSON.stringify(server.received));
    const [request] = server.received;
    assert.ok(request);
    return request;
  };

  it('takes a CloudEvent, which is signed as Standard Webhooks says', async () => {
    const key = Buffer.from('a key of the receiver').toString('base64');
    await send({ cloudEvents: { url: `${server.url}/events`, secretRef } }, { signingSecret: `whsec_${key}` });
    const { headers, text, body } = only();
    const event = body as Record<string, unknown>;
    assert.deepEqual(
      [event.id, event.type, event.source, event.subject],
      [
        noticeWith().id,
        'dev.metricops.incident.RolledBack',
        '/apis/metricops.dev/v1alpha1/namespaces/shop/incidents/web-3-abc',
        'deployment/web',
      ],
    );
    assert.equal(headers['webhook-id'], event.id);
    const signed = `${headers['webhook-id']}.${headers['webhook-timestamp']}.${text}`;
    const expected = createHmac('sha256', 'a key of the receiver').update(signed).digest('base64');
    assert.equal(headers['webhook-signature'], `v1,${expected}`);
  });

  it('signs as the test vector of Standard Webhooks has it', () => {
    const signingSecret = 'whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw';
    const message = { id: 'msg_p5jXN8AQM9LWM0D4loKWxJek', body: '{"test": 2432232314}' };
    assert.deepEqual(signatureOf(message, { signingSecret }, 1614265330_000), {
      'webhook-id': message.id,
      'webhook-timestamp': '1614265330',
      'webhook-signature': 'v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=',
    });
  });

  it('is sent the name of its cluster as part of the source', () => {
    assert.match(String(cloudEvent(noticeWith(), 'prod').source), /^\/\/prod\/apis\/metricops.dev\/v1alpha1\//);
  });

  it('takes a message of Slack, in which what others wrote calls nobody', async () => {
    const notice = noticeWith({ message: '<!here> *a* & <https://evil.example|click> @channel' });
    await send({ slack: { secretRef } }, { address: `${server.url}/services/T/B/x` }, notice);
    const { text } = only();
    assert.match(text, /Deployment shop\/web: RolledBack/);
    assert.ok(!text.includes('<!here>') && !text.includes('<https://evil') && !text.includes('@channel'), text);
    assert.ok(text.includes('<https://runbooks.example/burn|Runbook>'), text);
  });

  it('takes a card of Teams, in which what others wrote makes no link', async () => {
    const notice = noticeWith({ message: '[click](https://evil.example)' });
    await send({ teams: { secretRef } }, { address: `${server.url}/workflows/1/triggers` }, notice);
    const { text } = only();
    assert.ok(text.includes('\\\\[click\\\\]'), text);
    assert.ok(text.includes('metricops explain web-3-abc -n shop'), text);
  });

  it('takes no more of a message than a chat shows', () => {
    const notice = noticeWith({ message: '🔥'.repeat(20_000) });
    for (const message of [slackMessage(notice), teamsMessage(notice)])
      assert.ok(Buffer.byteLength(JSON.stringify(message)) < 40_000);
  });

  for (const [name, path, header, value, state] of [
    ['gitHub', '/api/v3', 'authorization', 'Bearer t0ken', 'failure'],
    ['gitLab', '', 'private-token', 't0ken', 'failed'],
    ['gitea', '', 'authorization', 'token t0ken', 'failure'],
  ] as const)
    it(`takes the status of a commit: ${name}`, async () => {
      const long = noticeWith();
      for (const commit of long.commits) commit.description = 'x'.repeat(1000);
      await send({ [name]: { url: `${server.url}${path}`, secretRef } }, { token: 't0ken' }, long);
      const { headers, body } = only();
      const said = body as Record<string, string>;
      assert.equal(headers[header], value);
      assert.equal(said.state, state);
      assert.equal(said.context ?? said.name, 'metricops/shop/deployment/web');
      assert.equal(said.target_url, 'https://runbooks.example/burn');
    });

  it('takes a region of Grafana from the release to its recovery, and a point for everything else', async () => {
    const grafana = { grafana: { url: `${server.url}/`, secretRef, dashboardUID: 'shop' } };
    await send(grafana, { token: 't0ken' }, noticeWith({ reason: 'Recovered', beganTime: '2026-01-01T11:30:00Z' }));
    await send(grafana, { token: 't0ken' }, noticeWith({ message: '<script>' }));
    const [region, point] = server.received.map(({ body }) => body as Record<string, unknown>);
    const end = Date.parse('2026-01-01T11:59:00Z');
    assert.deepEqual([region?.time, region?.timeEnd], [Date.parse('2026-01-01T11:30:00Z'), end]);
    assert.deepEqual(region?.tags, ['metricops', 'Recovered', 'namespace:shop', 'workload:web']);
    assert.deepEqual([point?.time, point?.timeEnd], [end, end]);
    assert.ok(!String(point?.text).includes('<script>'));
    assert.equal(server.received[0]?.headers.authorization, 'Bearer t0ken');
  });

  it('takes the same status of GitLab once more: it has it already', async () => {
    server.answer = (_, response) => {
      response.writeHead(400).end('{"message":"Cannot transition status via :drop from :failed"}');
      return true;
    };
    await send({ gitLab: { url: server.url, secretRef } }, { token: 't0ken' });
  });

  for (const [what, change] of [
    ['of a repository on another host', { repository: 'https://github.com/shop/web.git' }],
    ["of a GitSync of another namespace, whose repository is not everybody's to know", { syncNamespace: 'bank' }],
    ['that is no full SHA', { sha: 'main' }],
  ] as const)
    it(`is sent no status of a commit ${what}`, async () => {
      const notice = noticeWith();
      const commits = notice.commits.map((commit) => ({ ...commit, ...change }));
      await send({ gitea: { url: server.url, secretRef } }, { token: 't0ken' }, { ...notice, commits });
      assert.deepEqual(server.received, []);
    });

  it('is refused in words that hold no secret: no key, no URL', async () => {
    const isNotFound = (error: unknown): boolean => {
      assert.ok(error instanceof SinkError);
      assert.ok(!error.message.includes('hunter2'), error.message);
      return error.reason === 'SecretNotFound';
    };
    await assert.rejects(send({ slack: { secretRef } }, {}), isNotFound);
    await assert.rejects(send({ slack: { secretRef } }, { address: 'hooks.slack.com/hunter2' }), isNotFound);
    await assert.rejects(send({ slack: { secretRef } }, { address: 'https://bob:hunter2@example.com' }), isNotFound);
    await assert.rejects(send({ gitea: { url: server.url, secretRef } }, { address: 'x' }), isNotFound);
  });
});
