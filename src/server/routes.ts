import type { IncomingMessage } from 'node:http';
import type { Express, RequestHandler } from 'express';
import type { Registry } from 'prom-client';
import { createBodies } from './body.ts';
import { createCoalescer } from './coalesce.ts';
import { createApplication, jsonOf, limitRate, readBody, requireBearer } from './middleware.ts';
import { answerProbe, type Probes } from './probes.ts';
import { bodyOf, Problem } from './problem.ts';
import { takePush } from './push-route.ts';
import { createRefusals } from './refusals.ts';
import { bearerOf } from './secret.ts';
import { createTokenBucket } from './token-bucket.ts';
import type { ServerPorts } from './types.ts';

const MiB = 1 << 20;
/** Of Alertmanager: 8 MiB are some 5,000 alerts; beyond it, max_alerts belongs into its configuration. */
export const ALERT_BODIES = {
  perBody: 8 * MiB,
  total: 24 * MiB,
  perAddress: 16 * MiB,
  deadlineMs: 10_000,
  busy: 503,
} as const;
/** Of hooks: a push with 2,048 commits, the most that GitHub lists, is below 1 MiB. */
export const HOOK_BODIES = { perBody: MiB, total: 8 * MiB, perAddress: 4 * MiB, deadlineMs: 5_000, busy: 429 } as const;
/** A push that comes again within this time is one with the others of that time. */
const PUSH_EVERY_MS = 1_000;

/** Marks the connection of a request whose caller has proved who it is. */
export type Prove = (request: IncomingMessage) => void;

/** What both listeners share, so that one caller has one budget whichever of them it uses. */
export const createRoutes = (ports: ServerPorts, probes: Probes) => {
  const { clock, log, secrets } = ports;
  const refusals = createRefusals(ports.refusedRequests, ports);
  // An Alertmanager that groups by everything sends each alert by itself, and all that it has after an outage of ours.
  const alertsBucket = createTokenBucket({ capacity: 500, perSecond: 200, clock });
  const alertBodies = createBodies(ALERT_BODIES, clock);
  /** Hooks that are proved by a header meet none that are not. */
  const hookBodies = { proved: createBodies(HOOK_BODIES, clock), signed: createBodies(HOOK_BODIES, clock) };
  const coalesced = createCoalescer(PUSH_EVERY_MS, (err) => log.warn({ err }, 'push not passed on'));
  // One address may be a whole node's, behind its NAT: all of its pods may start at once.
  const recordsBucket = createTokenBucket({ capacity: 500, perSecond: 50, clock });

  const routeCallers = (app: Express, prove: Prove): void => {
    app.post(
      '/api/v1/alerts',
      requireBearer(secrets.alertmanager, prove),
      limitRate(alertsBucket, 503),
      readBody(alertBodies),
      takeAlerts(ports),
    );
    app.post(
      ['/api/v1/push', '/api/v1/push/:namespace/:name'],
      takePush({ ...ports, bodies: hookBodies, prove, coalesced }),
    );
  };

  return {
    /** Alerts, push hooks, health and metrics, over plain HTTP: a cluster's own network. */
    http: (prove: Prove): Express =>
      createApplication({ log, refusals }, (app) => {
        routeProbes(app, probes);
        app.get('/metrics', serveMetrics(ports.registry, ports));
        routeCallers(app, prove);
      }),
    /** Release records, over TLS only: they carry tokens. Alerts and push hooks may come this way, too. */
    records: (prove: Prove): Express =>
      createApplication({ log, refusals }, (app) => {
        app.post('/api/v1/records', limitRate(recordsBucket, 429), takeRecord(ports));
        routeCallers(app, prove);
      }),
    used: () => ({
      proved: alertBodies.used() + hookBodies.proved.used(),
      signed: hookBodies.signed.used(),
    }),
  };
};

/** For load balancers that ask the port that they send to; the kubelet has a port of its own. */
const routeProbes = (app: Express, probes: Probes): void =>
  void app.get(['/healthz', '/readyz'], (request, response) => {
    const [status, text] = answerProbe(request.path, probes) ?? [404, ''];
    response.status(status).type('text').send(text);
  });

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
