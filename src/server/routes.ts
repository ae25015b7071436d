import type { Express, RequestHandler } from 'express';
import { createApplication, jsonOf, limitRate, readBody, requireBearer } from './middleware.ts';
import { bodyOf, Problem } from './problem.ts';
import { isTrustedPush, normalUrl, repositoriesOf } from './push.ts';
import { bearerOf } from './secret.ts';
import { createTokenBucket } from './token-bucket.ts';
import type { PushTarget, ServerPorts } from './types.ts';

/** Alertmanager's notification of some hundred alerts; beyond it, max_alerts belongs into its configuration. */
const ALERTS_LIMIT = 1 << 20;
/** GitHub lists at most 2048 commits in a push. */
const PUSH_LIMIT = 5 << 20;
const RECORDS_LIMIT = 1024;

/** Alerts, push hooks, health and metrics, over plain HTTP: a cluster's own network. */
export const createHttpApplication = (ports: ServerPorts, isStopping: () => boolean): Express =>
  createApplication(ports.log, (app) => {
    app.get('/healthz', (_request, response) => void response.type('text').send('ok\n'));
    app.get('/readyz', (_request, response) => {
      const ready = !isStopping() && ports.isReady();
      response
        .status(ready ? 200 : 503)
        .type('text')
        .send(ready ? 'ok\n' : 'not ready\n');
    });
    app.get('/metrics', async (_request, response) => {
      response.set('content-type', ports.registry.contentType);
      response.send(await ports.registry.metrics());
    });
    const { clock } = ports;
    const alertsBucket = createTokenBucket({ capacity: 100, perSecond: 20, clock });
    app.post(
      '/api/v1/alerts',
      requireBearer(ports.secrets.alertmanager),
      limitRate(alertsBucket, 503),
      readBody(ALERTS_LIMIT),
      takeAlerts(ports),
    );
    const pushBucket = createTokenBucket({ capacity: 60, perSecond: 5, clock });
    app.post(
      ['/api/v1/push', '/api/v1/push/:namespace/:name'],
      limitRate(pushBucket, 429),
      readBody(PUSH_LIMIT),
      takePush(ports),
    );
  });

/** Release records, over TLS: they carry tokens. */
export const createRecordsApplication = (ports: ServerPorts): Express =>
  createApplication(ports.log, (app) => {
    // One address may be a whole node's, behind its NAT: all of its pods may start at once.
    const bucket = createTokenBucket({ capacity: 500, perSecond: 50, clock: ports.clock });
    app.post('/api/v1/records', limitRate(bucket, 429), readBody(RECORDS_LIMIT), async (request, response) => {
      const token = bearerOf(request.headers.authorization);
      if (token === undefined) throw new Problem(401, 'TokenMalformed');
      const answer = await ports.records(token);
      if ('release' in answer) {
        response.status(answer.status).json({ release: answer.release, workload: answer.workload });
        return;
      }
      if (answer.retryAfterSeconds !== undefined) response.set('retry-after', String(answer.retryAfterSeconds));
      response.status(answer.status).json(bodyOf(answer.code, answer.message));
    });
  });

const takeAlerts =
  ({ alerts }: ServerPorts): RequestHandler =>
  async (request, response) => {
    const answer = await alerts(jsonOf(request.body));
    if (answer.status !== 200) {
      const code = answer.status === 400 ? 'NotAlertmanager' : 'StorageUnavailable';
      throw new Problem(answer.status, code, { message: answer.message });
    }
    response.json({ message: answer.message });
  };

const takePush =
  ({ push, secrets }: ServerPorts): RequestHandler =>
  async (request, response) => {
    const body = Buffer.isBuffer(request.body) ? request.body : Buffer.alloc(0);
    const secret = await secrets.push();
    if (secret === undefined || !isTrustedPush(request.headers, body, secret)) {
      throw new Problem(401, 'Unauthorized', { message: 'The token or signature is missing or wrong.' });
    }
    const { namespace, name } = request.params as { namespace?: string; name?: string };
    const isMeant: (target: PushTarget) => boolean =
      name === undefined
        ? follows(repositoriesOf(jsonOf(body)))
        : (target) => target.namespace === namespace && target.name === name;
    const meant = [...push.targets()].filter(isMeant);
    if (meant.length === 0) {
      const message =
        name === undefined ? 'No GitSync follows this repository.' : `There is no GitSync ${namespace}/${name}.`;
      throw new Problem(404, 'NotFound', { message });
    }
    await Promise.all(meant.map((target) => push.request(target)));
    response.status(202).json({ syncs: meant.map((target) => `${target.namespace}/${target.name}`) });
  };

const follows = (repositories: readonly string[]): ((target: PushTarget) => boolean) => {
  if (repositories.length === 0) {
    throw new Problem(400, 'InvalidRequest', {
      message: 'The body names no repository; use /api/v1/push/NAMESPACE/NAME.',
    });
  }
  return (target) => repositories.includes(normalUrl(target.url));
};
