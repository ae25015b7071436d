import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { askApp, copyApp } from './app-metrics.ts';
import { isOpenMetrics, renderOwn, TEXT } from './exposition.ts';
import { type Log, words } from './log.ts';
import type { RecorderState } from './recorder.ts';
import type { AppTarget } from './settings.ts';

const DEFAULT_TIMEOUT_MS = 10_000;

/**
 * GET /metrics: the application's families, where it is merged, then ours. A port that somebody else has costs the
 * metrics, nothing else.
 */
export const startMetricsServer = (
  { port, app }: { port: number; app: AppTarget | undefined },
  state: RecorderState,
  log: Log,
): Server => {
  const server = createServer({ keepAliveTimeout: 5_000, requestTimeout: 30_000 }, (request, response) => {
    if (request.url?.split('?')[0] !== '/metrics') {
      response.writeHead(404).end();
      return;
    }
    scrape(request, response, app, state).catch(() => response.destroy());
  });
  server.maxConnections = 16;
  server.once('error', (error) => log('warn', 'no metrics: the port is taken', { port, err: words(error) }));
  server.listen(port, () => log('info', 'serving metrics', { port, merged: app !== undefined }));
  return server;
};

const scrape = async (
  request: IncomingMessage,
  response: ServerResponse,
  app: AppTarget | undefined,
  state: RecorderState,
): Promise<void> => {
  const signal = AbortSignal.timeout(timeoutOf(request));
  const answer = app === undefined ? undefined : await askApp(app, signal);
  const type = answer?.headers['content-type'] ?? TEXT;
  response.writeHead(200, { 'content-type': type });
  const appScraped = app === undefined ? undefined : answer !== undefined && (await copyApp(answer, response));
  response.end(renderOwn({ ...state, appScraped }, isOpenMetrics(type)));
};

/** A tenth less than what Prometheus grants, so that our own part still arrives in time. */
const timeoutOf = (request: IncomingMessage): number => {
  const seconds = Number(request.headers['x-prometheus-scrape-timeout-seconds']);
  return Number.isFinite(seconds) && seconds > 0 ? Math.min(seconds, 60) * 900 : DEFAULT_TIMEOUT_MS * 0.9;
};
