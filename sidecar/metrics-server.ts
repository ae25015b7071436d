import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { limitConnections } from '../src/http/connections.ts';
import { askApp, copyApp } from './app-metrics.ts';
import { isOpenMetrics, renderOwn, TEXT } from './exposition.ts';
import { type Log, words } from './log.ts';
import type { RecorderState } from './recorder.ts';
import type { AppTarget } from './settings.ts';

const DEFAULT_TIMEOUT_MS = 10_000;
/** For the last bytes of an answer to be read. */
const FLUSH_MS = 10_000;
const MAX_CONNECTIONS = 32;
const LOG_EVERY_MS = 60_000;
const MAX_PORT_DELAY_MS = 60_000;

/**
 * GET /metrics: the application's families, where it is merged, then ours. Where the application gives no whole
 * answer the scrape fails, so that `up` is 0 as without us. GET /metrics/recorder: ours alone. A port that somebody
 * else has is tried again, and costs the metrics, nothing else.
 */
export const startMetricsServer = (
  { port, app }: { port: number; app: AppTarget | undefined },
  state: RecorderState,
  log: Log,
): Server => {
  const server = createServer({
    headersTimeout: 3_000,
    requestTimeout: 3_000,
    connectionsCheckingInterval: 1_000,
    keepAliveTimeout: 5_000,
    maxHeaderSize: 16 * 1024,
  });
  limitConnections(server, { max: MAX_CONNECTIONS });
  const answer = createAnswers(app, state, log);
  server.on('request', (request, response) => {
    answer(request, response).catch(() => response.destroy());
  });
  listenAgain(server, port, log);
  server.on('listening', () => log('info', 'serving metrics', { port, merged: app !== undefined }));
  return server;
};

/** Listens, as soon as the port is free. */
const listenAgain = (server: Server, port: number, log: Log): void => {
  let delay = 1_000;
  server.on('error', (error) => {
    if (delay === 1_000) log('warn', 'metrics port in use; retrying', { port, err: words(error) });
    setTimeout(() => server.listen(port), delay);
    delay = Math.min(delay * 2, MAX_PORT_DELAY_MS);
  });
  server.listen(port);
};

const createAnswers = (app: AppTarget | undefined, state: RecorderState, log: Log) => {
  let appScraped: boolean | undefined;
  let loggedAt = Number.NEGATIVE_INFINITY;

  const end = (response: ServerResponse, type: string): void => {
    const late = setTimeout(() => response.destroy(), FLUSH_MS);
    response.once('close', () => clearTimeout(late));
    response.end(renderOwn({ ...state, appScraped }, isOpenMetrics(type)));
  };
  const own = (response: ServerResponse): void => end(response.writeHead(200, { 'content-type': TEXT }), TEXT);

  const fail = (response: ServerResponse, error: unknown): void => {
    appScraped = false;
    if (performance.now() - loggedAt > LOG_EVERY_MS) {
      loggedAt = performance.now();
      log('warn', 'scrape of the application failed', { err: words(error) });
    }
    if (response.headersSent) response.destroy();
    else response.writeHead(503, { 'content-type': 'text/plain; charset=utf-8' }).end(`${words(error)}\n`);
  };

  return async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
    const path = request.url?.split('?')[0];
    if (path === '/metrics/recorder' || (path === '/metrics' && app === undefined)) return own(response);
    if (path !== '/metrics' || app === undefined) return void response.writeHead(404).end();
    const gone = new AbortController();
    const late = setTimeout(() => gone.abort(new Error('the application did not answer in time')), timeoutOf(request));
    response.once('close', () => gone.abort());
    try {
      const answer = await askApp(app, request, gone.signal);
      response.writeHead(200, { 'content-type': answer.type });
      await copyApp(answer, response);
      appScraped = true;
      end(response, answer.type);
    } catch (error) {
      fail(response, gone.signal.aborted ? gone.signal.reason : error);
    } finally {
      clearTimeout(late);
    }
  };
};

/** A tenth less than what Prometheus grants, so that our own part still arrives in time. */
const timeoutOf = (request: IncomingMessage): number => {
  const seconds = Number(request.headers['x-prometheus-scrape-timeout-seconds']);
  return Number.isFinite(seconds) && seconds > 0 ? Math.min(seconds, 60) * 900 : DEFAULT_TIMEOUT_MS * 0.9;
};
