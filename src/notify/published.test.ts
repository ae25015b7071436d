import assert from 'node:assert/strict';
import { CloudEvent, HTTP } from 'cloudevents';
import { giteaApi } from 'gitea-js';
import { after, before, describe, it } from 'mocha';
import { createApiServer } from '../../test/support/api-server.ts';
import { problemsOfCard } from '../../test/support/published/adaptive-cards.ts';
import { type PublishedType, typeErrors } from '../../test/support/published/types.ts';
import { type ReceivedRequest, type SinkServer, startSinkServer } from '../../test/support/sink-server.ts';
import { API_VERSION } from '../api/annotations.ts';
import { type Notification, notificationSpec } from '../api/notification.ts';
import { unrestrictedPolicy } from '../api/platform-policy.ts';
import { resources } from '../kube/index.ts';
import type { Notice } from './notice.ts';
import { openSink } from './sink.ts';

const SHA = 'c'.repeat(40);

const GITHUB_PATH = '/repos/{owner}/{repo}/statuses/{sha}';
const gitHubStatus: PublishedType = {
  imports: "import type { paths } from '@octokit/openapi-types';",
  type: `NonNullable<paths['${GITHUB_PATH}']['post']['requestBody']>['content']['application/json']`,
};
const giteaStatus: PublishedType = {
  imports: "import type { CreateStatusOption } from 'gitea-js';",
  type: 'CreateStatusOption',
};
const slackMessage: PublishedType = {
  imports: "import type { MessageAttachment } from '@slack/types';",
  type: '{ text: string; attachments: MessageAttachment[] }',
};

/** What the sinks send, read by packages that the owners of the APIs publish, or that are generated from what they publish. */
describe('requests of the sinks, as the owners of the APIs have them', function () {
  this.timeout(120_000); // a compiler reads the whole API of GitHub
  let server: SinkServer;
  before(async () => {
    server = await startSinkServer();
  });
  after(() => server.stop());

  const plain: Omit<Notice, 'commits'> = {
    id: '0123456789abcdef0123456789abcdef',
    time: '2026-01-01T11:59:00.000Z',
    kind: 'GitSync',
    namespace: 'shop',
    name: 'app',
    reason: 'ReleaseHeld',
    severity: 'info',
    message: 'the commit leaves the rejected part as it is',
  };
  /** One with all that a notice can have for each state of a commit, and one with as little as it can. */
  const notices = (): Notice[] => {
    const workload = { kind: 'Deployment', name: 'web' } as const;
    const repository = `${server.url}/shop/web.git`;
    const full = (['failure', 'pending', 'success'] as const).map(
      (state): Notice => ({
        ...plain,
        kind: 'Incident',
        name: 'web-3-abc',
        reason: 'RolledBack',
        severity: 'warning',
        workload,
        incident: 'web-3-abc',
        release: 3,
        targetRelease: 2,
        beganTime: '2026-01-01T11:30:00Z',
        revision: `main@${SHA}`,
        links: {
          runbookURL: 'https://runbooks.example/burn',
          dashboardURL: 'https://grafana.example/d/1',
          generatorURL: 'https://prometheus.example/graph?g0.expr=up',
        },
        commits: [{ sha: SHA, repository, syncNamespace: 'shop', workload, state, description: 'x'.repeat(400) }],
      }),
    );
    return [...full, { ...plain, commits: full[0]?.commits ?? [] }];
  };

  /** All that the real sink sends for these notices. */
  const sent = async (sink: object, secret: Record<string, string>): Promise<ReceivedRequest[]> => {
    const api = createApiServer({ namespaces: ['shop'] });
    const data = Object.entries(secret).map(([key, value]) => [key, Buffer.from(value).toString('base64')]);
    await api.client.create(resources.secrets, {
      apiVersion: 'v1',
      kind: 'Secret',
      metadata: { namespace: 'shop', name: 's' },
      data: Object.fromEntries(data),
    });
    const notification: Notification = {
      apiVersion: API_VERSION,
      kind: 'Notification',
      metadata: { namespace: 'shop', name: 'n' },
      spec: notificationSpec.parse({ events: [{ kind: 'Incident' }], sink }),
    };
    server.received.length = 0;
    const opened = await openSink(notification, {
      client: api.client,
      policy: () => ({ ...unrestrictedPolicy, notifications: { allowedHosts: ['127.0.0.1'] } }),
      systemNamespace: 'metricops-system',
      clusterName: 'prod',
      now: () => Date.parse('2026-01-01T12:00:00Z'),
    });
    for (const notice of notices()) await opened.send(notice);
    await opened.close();
    const requests = [...server.received];
    assert.equal(requests.length, notices().length);
    return requests;
  };
  const secretRef = { name: 's' };
  /** Each body has the type, and none of these changed ones has it: a check that takes everything shows nothing. */
  const haveType = (requests: readonly ReceivedRequest[], as: PublishedType, wrong: readonly object[]): void => {
    const values = [
      ...requests.map(({ body }) => body),
      ...wrong.map((change) => ({ ...object(requests), ...change })),
    ];
    const errors = typeErrors(values.map((value) => ({ value, as })));
    assert.deepEqual(
      errors.slice(0, requests.length),
      requests.map(() => []),
    );
    for (const [i, found] of errors.slice(requests.length).entries())
      assert.ok(found.length > 0, JSON.stringify(wrong[i]));
  };
  const object = ([first]: readonly ReceivedRequest[]): object => {
    assert.ok(first?.body !== null && typeof first?.body === 'object');
    return first.body;
  };

  it('commit status of GitHub: path, method and body of its OpenAPI document', async () => {
    const requests = await sent({ gitHub: { url: `${server.url}/api/v3`, secretRef } }, { token: 't' });
    const path = GITHUB_PATH.replace('{owner}', 'shop').replace('{repo}', 'web').replace('{sha}', SHA);
    for (const request of requests) assert.deepEqual([request.method, request.path], ['POST', `/api/v3${path}`]);
    haveType(requests, gitHubStatus, [{ state: 'failed' }, { name: 'x' }, { description: 1 }]);
  });

  it('commit status of Gitea: what a client sends that is generated from its OpenAPI document', async () => {
    const requests = await sent({ gitea: { url: server.url, secretRef } }, { token: 't0ken' });
    haveType(requests, giteaStatus, [{ state: 1 }, { name: 'x' }]);
    server.received.length = 0;
    const client = giteaApi(server.url, { token: 't0ken' });
    for (const { body } of requests) await client.repos.repoCreateStatus('shop', 'web', SHA, body ?? {});
    const relevant = ({ method, path, headers, body }: ReceivedRequest): unknown[] => [
      method,
      path,
      headers['content-type'],
      body,
    ]; // not the credentials: Gitea takes `token` and `Bearer`
    assert.deepEqual(requests.map(relevant), server.received.map(relevant));
  });

  it('message of Slack: the types of its SDK', async () => {
    const requests = await sent({ slack: { secretRef } }, { address: `${server.url}/services/T/B/x` });
    haveType(requests, slackMessage, [{ text: 1 }, { attachments: [{ fields: [{ title: 'x' }] }] }, { blocs: [] }]);
  });

  it('card of Teams: the parser of Microsoft takes all of it without a warning', async () => {
    const requests = await sent({ teams: { secretRef } }, { address: `${server.url}/workflows/1/triggers` });
    const cards = requests.map(({ body }) => (body as { attachments: { content: object }[] }).attachments[0]?.content);
    for (const card of cards) assert.deepEqual(problemsOfCard(card), []);
    const [card] = cards;
    for (const change of [
      { body: [{ type: 'TextBlok', text: 'x' }] },
      { body: [{ type: 'TextBlock', text: 'x', weight: 'Bold' }] },
      { actions: [{ type: 'Action.OpenUrl', title: 'x' }] },
    ])
      assert.ok(problemsOfCard({ ...card, ...change }).length > 0, JSON.stringify(change));
  });

  it('event of CloudEvents: its SDK reads it from the request, and finds it valid', async () => {
    const requests = await sent({ cloudEvents: { url: `${server.url}/events`, secretRef } }, { signingSecret: 'x' });
    for (const { headers, text, body } of requests) {
      const event = HTTP.toEvent({ headers: { ...headers }, body: text });
      assert.ok(event instanceof CloudEvent);
      assert.equal(event.validate(), true);
      assert.deepEqual(JSON.parse(JSON.stringify(event)), body);
    }
    assert.throws(() => new CloudEvent({ ...object(requests), type: '' }));
  });
});
