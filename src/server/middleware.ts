import type { IncomingMessage } from 'node:http';
import express, { type ErrorRequestHandler, type Express, type RequestHandler } from 'express';
import type { Log } from '../telemetry/index.ts';
import type { Bodies } from './body.ts';
import { bodyOf, Problem } from './problem.ts';
import type { Refusals } from './refusals.ts';
import { bearerOf, isSame, type SecretSource } from './secret.ts';
import type { TokenBucket } from './token-bucket.ts';

/** An express application that says nothing of itself, and answers in our words where no path matches. */
export const createApplication = (ports: { log: Log; refusals: Refusals }, route: (app: Express) => void): Express => {
  const app = express();
  app.disable('x-powered-by');
  app.disable('etag');
  app.set('query parser', 'simple');
  route(app);
  app.use(() => {
    throw new Problem(404, 'NotFound');
  });
  app.use(answerErrors(ports));
  return app;
};

export const addressOf = (request: IncomingMessage): string => request.socket.remoteAddress ?? '';

/** Alertmanager repeats on 5xx only, so that its flood gets 503; others get 429. */
export const limitRate =
  (bucket: TokenBucket, status: 429 | 503): RequestHandler =>
  (request, _response, next) => {
    if (bucket.take(addressOf(request))) return next();
    throw new Problem(status, 'TooManyRequests', { retryAfterSeconds: 1 });
  };

/** Runs before the body is read: a caller without the token costs nothing. */
export const requireBearer =
  (secret: SecretSource, onProved: (request: IncomingMessage) => void): RequestHandler =>
  async (request, _response, next) => {
    const expected = await secret();
    const given = bearerOf(request.headers.authorization);
    if (expected === undefined || given === undefined || !isSame(given, expected)) {
      throw new Problem(401, 'Unauthorized');
    }
    onProved(request);
    next();
  };

/** The body as bytes, whatever type it claims to have. */
export const readBody =
  (bodies: Bodies): RequestHandler =>
  async (request, response, next) => {
    request.body = await bodies.read(request, response);
    next();
  };

/** Throws Problem(400 NotJSON). */
export const jsonOf = (body: unknown): unknown => {
  const text = Buffer.isBuffer(body) ? body.toString('utf8') : typeof body === 'string' ? body : '';
  try {
    return JSON.parse(text);
  } catch (cause) {
    const detail = cause instanceof Error ? cause.message.replace(/, ".*$/s, '') : '';
    throw new Problem(400, 'NotJSON', { message: `The body is not JSON: ${detail.slice(0, 200)}`, cause });
  }
};

const answerErrors =
  ({ log, refusals }: { log: Log; refusals: Refusals }): ErrorRequestHandler =>
  (error: unknown, request, response, _next) => {
    const problem = problemOf(error);
    refusals.count(request.path, problem, addressOf(request));
    if (problem.status >= 500 && problem.code === 'InternalError') {
      log.error({ err: error, method: request.method, path: request.path }, 'request failed');
    }
    if (response.headersSent) return void response.destroy();
    if (problem.retryAfterSeconds !== undefined) response.set('retry-after', String(problem.retryAfterSeconds));
    if (problem.status === 401) response.set('www-authenticate', 'Bearer');
    response.status(problem.status).json(bodyOf(problem.code, problem.message));
  };

/** Errors of express have a status. */
const problemOf = (error: unknown): Problem => {
  if (error instanceof Problem) return error;
  const { status } = (error ?? {}) as { status?: unknown };
  if (typeof status === 'number' && status >= 400 && status < 500) {
    return new Problem(status, 'InvalidRequest', { cause: error });
  }
  return new Problem(500, 'InternalError', { cause: error });
};
