import type { IncomingMessage } from 'node:http';
import type { Express, RequestHandler } from 'express';
import type { Registry } from 'prom-client';
import { createBodies } from './body.ts';
import { createCoalescer } from './coalesce.ts';
import { type EndpointName, endpointsOf } from './endpoints.ts';
import { ALERT_BODIES, ALERTS_RATE, HOOK_BODIES, PUSH_EVERY_MS, RECORDS_RATE } from './limits.ts';
import { createApplication, jsonOf, limitRate, readBody, requireBearer } from './middleware.ts';
import { answerProbe, type Probes } from './probes.ts';
import { bodyOf, Problem } from './problem.ts';
import { takePush } from './push-route.ts';
import { createRefusals } from './refusals.ts';
import { bearerOf } from './secret.ts';
import { createTokenBucket } from './token-bucket.ts';
import type { ServerPorts } from './types.ts';

/** Marks the connection of a request whose caller has proved who it is. */
export type Prove = (request: IncomingMessage) => void;

/** What both listeners share, so that one caller has one budget whichever of them it uses. */
export const createRoutes = (ports: ServerPorts, probes: Probes) => {
  const { clock, log, secrets } = ports;
  const refusals = createRefusals(ports.refusedRequests, ports);
  const alertBodies = createBodies(ALERT_BODIES, clock);
  /** Hooks that are proved by a header meet none that are not. */
  const hookBodies = { proved: createBodies(HOOK_BODIES, clock), signed: createBodies(HOOK_BODIES, clock) };
  const coalesced = createCoalescer(PUSH_EVERY_MS, (err) => log.warn({ err }, 'push not passed on'));
  const limits = {
    alerts: limitRate(createTokenBucket({ ...ALERTS_RATE, clock }), ALERTS_RATE.beyond),
    records: limitRate(createTokenBucket({ ...RECORDS_RATE, clock }), RECORDS_RATE.beyond),
  };
  const probe = takeProbe(probes);
  const metrics = serveMetrics(ports.registry, ports);

  const handlersOf = (prove: Prove): Record<EndpointName, RequestHandler[]> => {
    const hook = takePush({ ...ports, bodies: hookBodies, prove, coalesced });
    const alerts = [requireBearer(secrets.alertmanager, prove), limits.alerts, readBody(alertBodies)];
    return {
      alerts: [...alerts, takeAlerts(ports)],
      push: [hook],
      pushOf: [hook],
      records: [limits.records, takeRecord(ports)],
      metrics: [metrics],
      healthz: [probe],
      readyz: [probe],
    };
  };
  const application =
    (listener: 'http' | 'records') =>
    (prove: Prove): Express =>
      createApplication({ log, refusals }, (app) => {
        const handlers = handlersOf(prove);
        for (const [name, { method, paths }] of endpointsOf(listener)) app[method]([...paths], ...handlers[name]);
      });

  return {
    /** Plain HTTP: a cluster's own network. */
    http: application('http'),
    /** Over TLS only: release records carry tokens. */
    records: application('records'),
    used: () => ({
      proved: alertBodies.used() + hookBodies.proved.used(),
      signed: hookBodies.signed.used(),
    }),
  };
};

/** For load balancers that ask the port that they send to; the kubelet has a port of its own. */
const takeProbe =
  (probes: Probes): RequestHandler =>
  (request, response) => {
    const [status, text] = answerProbe(request.path, probes) ?? [404, ''];
    response.status(status).type('text').send(text);
  };

const METRICS_EVERY_MS = 1_000;

/** The text is made at most once a second and held once, whatever the number of scrapers. */
const serveMetrics = (registry: Registry, { clock }: Pick<ServerPorts, 'clock'>): RequestHandler => {
  let made: { text: Promise<Buffer>; at: number } | undefined;
  return async (_request, response) => {
    const now = clock.now();
    if (!made || now - made.at >= METRICS_EVERY_MS || now < made.at) {
      made = { text: registry.metrics().then((text) => Buffer.from(text)), at: now };
    }
    response.set('content-type', registry.contentType);
    response.send(await made.text);
  };
};

/** The token in the header is all that is taken: the body is not read. */
const takeRecord =
  ({ records }: ServerPorts): RequestHandler =>
  async (request, response) => {
    const token = bearerOf(request.headers.authorization);
    if (token === undefined) throw new Problem(401, 'TokenMalformed');
    const answer = await records(token);
    if ('release' in answer) {
      response.status(answer.status).json({ release: answer.release, workload: answer.workload });
      return;
    }
    if (answer.retryAfterSeconds !== undefined) response.set('retry-after', String(answer.retryAfterSeconds));
    response.status(answer.status).json(bodyOf(answer.code, answer.message));
  };

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
