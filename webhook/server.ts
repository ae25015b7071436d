import { once } from 'node:events';
import { createServer, type Server } from 'node:https';
import type { AddressInfo } from 'node:net';
import express, { type ErrorRequestHandler, type Express, type RequestHandler } from 'express';
import type { Clock } from '../src/clock.ts';
import { type ConnectionLimits, limitConnections } from '../src/http/connections.ts';
import type { Log, Metrics } from '../src/telemetry/index.ts';
import { MAX_BODY, withinBodyBudget } from './body-budget.ts';
import type { CertificateKeeper } from './certificates.ts';
import { paths } from './configuration.ts';
import { admitHold, admitPod, admitWorkload, type HandlerPorts } from './handlers.ts';
import { type AdmissionRequest, allow, requestOf, type Verdict } from './review.ts';

export interface WebhookServerPorts extends HandlerPorts {
  clock: Clock;
  log: Log;
  metrics: Pick<Metrics, 'admissions' | 'admissionDuration'>;
  certificates: Pick<CertificateKeeper, 'ready' | 'onChange'>;
}

export interface WebhookServer {
  /** undefined until it listens. */
  port(): number | undefined;
  /** Takes no new connections, lets what is under way end. Resolves when the last one is closed. */
  stop(): Promise<void>;
}

/**
 * The API server keeps idle connections for 90 s; the API server must be the side that closes first. Connections that
 * are only held are closed when others need the room.
 */
const KEEP_ALIVE_MS = 120_000;
const LIMITS = {
  keepAliveTimeout: KEEP_ALIVE_MS,
  handshakeTimeout: 3_000,
  headersTimeout: 3_000,
  requestTimeout: 5_000,
  connectionsCheckingInterval: 1_000,
  maxHeaderSize: 8 * 1024,
};
/** A few API servers need a handful each; HTTP/1.1 takes one for each review under way. */
export const CONNECTIONS = { max: 256 } satisfies ConnectionLimits;
/** A port that another process has yet: the one that this container replaces. */
const LISTEN_AGAIN_MS = 2_000;
/** From "not ready" until no endpoint controller or proxy sends us anything new. */
const DRAIN_MS = 5_000;

/** The admission routes. Whatever goes wrong is answered with `allowed`: a pod never waits for its recorder. */
export const webhookApp = (ports: WebhookServerPorts, isDraining: () => boolean): Express => {
  const app = express().disable('x-powered-by').disable('etag');
  app.use((_request, response, next) => {
    if (isDraining()) response.setHeader('connection', 'close');
    next();
  });
  const spent = (): void => ports.metrics.admissions.inc({ result: 'TooManyRequests' });
  const json = [
    withinBodyBudget(spent),
    express.json({ limit: MAX_BODY, type: () => true, strict: true, inflate: false }),
  ];
  app.post(
    paths.podsOfNamespace,
    json,
    reviewed(ports, (request) => admitPod(request, true, ports)),
  );
  app.post(
    paths.pods,
    json,
    reviewed(ports, (request) => admitPod(request, false, ports)),
  );
  app.post(paths.workloads, json, reviewed(ports, admitWorkload));
  app.post(paths.holds, json, reviewed(ports, admitHold));
  app.use((_request, response) => void response.status(404).set('connection', 'close').json({ code: 'NotFound' }));
  app.use(onError(ports));
  return app;
};

const reviewed =
  ({ clock, log, metrics }: WebhookServerPorts, decide: (request: AdmissionRequest) => Verdict): RequestHandler =>
  (httpRequest, response) => {
    const begin = clock.now();
    const request = requestOf(httpRequest.body);
    if (request === undefined) return void response.status(400).json({ code: 'NotAdmissionReview' });
    let verdict: Verdict;
    try {
      verdict = decide(request);
    } catch (error) {
      log.error({ err: error, namespace: request.namespace, path: httpRequest.path }, 'admission failed');
      verdict = { patch: [], decision: 'InjectionError' };
    }
    metrics.admissions.inc({ result: verdict.decision });
    metrics.admissionDuration.observe((clock.now() - begin) / 1000);
    response.json(allow(request.uid, verdict));
  };

/** The API server takes anything but 200 as a failed call, and failurePolicy Ignore lets the pod through. */
const onError =
  ({ log }: WebhookServerPorts): ErrorRequestHandler =>
  (error: Error & { status?: number }, _request, response, _next) => {
    const status = error.status ?? 500;
    if (status >= 500) log.error({ err: error }, 'admission request failed');
    const code = status === 413 ? 'BodyTooLarge' : status >= 500 ? 'InternalError' : 'NotJSON';
    response.status(status).json({ code });
  };

/**
 * Listens as soon as there is a certificate, with each later one from the moment it is there. What is not there yet
 * keeps nobody waiting: `port` is undefined until then.
 */
export const startWebhookServer = (
  ports: WebhookServerPorts,
  listen: { port: number; host?: string },
): WebhookServer => {
  const { clock, log, certificates } = ports;
  const stopped = new AbortController();
  const app = webhookApp(ports, () => stopped.signal.aborted);
  const server = createServer(LIMITS, app);
  limitConnections(server, CONNECTIONS);
  const stopWatching = reloadCertificates(server, certificates);
  let port: number | undefined;
  const start = async (): Promise<void> => {
    await certificates.ready();
    while (!stopped.signal.aborted && port === undefined) {
      try {
        server.listen(listen.port, listen.host);
        await once(server, 'listening');
        port = (server.address() as AddressInfo).port;
        log.info({ port }, 'admission server listens');
      } catch (error) {
        log.error(
          { err: error, port: listen.port },
          'admission server does not listen: pods start without the recorder',
        );
        await clock.sleep(LISTEN_AGAIN_MS, stopped.signal).catch(() => {}); // stopped
      }
    }
  };
  const starting = start().catch((error: unknown) => {
    if (!stopped.signal.aborted) log.error({ err: error }, 'admission server not started');
  });
  return {
    port: () => port,
    async stop() {
      stopped.abort();
      stopWatching();
      if (port === undefined) return;
      await starting;
      await clock.sleep(DRAIN_MS);
      await close(server, clock);
    },
  };
};

/** Makes a TLS server serve what the keeper has, without a restart; returns how to end that. */
export const reloadCertificates = (server: Server, certificates: Pick<CertificateKeeper, 'onChange'>): (() => void) =>
  certificates.onChange(({ cert, key }) => server.setSecureContext({ cert, key, minVersion: 'TLSv1.2' }));

const close = async (server: Server, clock: Clock): Promise<void> => {
  const closed = once(server, 'close');
  server.close();
  server.closeIdleConnections();
  const gaveUp = new AbortController();
  clock.sleep(DRAIN_MS, gaveUp.signal).then(
    () => server.closeAllConnections(),
    () => {},
  );
  await closed;
  gaveUp.abort();
};
