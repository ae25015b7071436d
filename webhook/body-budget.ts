import type { IncomingMessage } from 'node:http';
import type { RequestHandler } from 'express';
import { createBudget } from '../src/http/budget.ts';
import { allow } from './review.ts';

/** An object and its predecessor, each of at most what etcd takes. */
export const MAX_BODY = 3 << 20;
/** All bodies that are read at a time. The API server sends tens of KiB. */
export const TOTAL = 24 << 20;
/** The API server writes the uid first: within this much of the body, or it is not the API server's. */
const HEAD = 1024;
const UID = /"uid":\s*"([\w-]{1,64})"/;

/**
 * Reviews are read within a budget. Where it is spent, the answer is `allowed` at once, for the uid at the body's begin;
 * the rest of the body is thrown away as it comes. An answer without that uid the API server would take for a failure,
 * and let the pod through after all (failurePolicy Ignore): that is what whoever sends none gets, 503.
 */
export const withinBodyBudget = (onSpent: () => void, total = TOTAL): RequestHandler => {
  // Half for one address: what another pod sends leaves the API server the other.
  const budget = createBudget({ total, perGroup: total / 2 });
  return (request, response, next) => {
    const declared = Number(request.headers['content-length'] ?? MAX_BODY);
    if (declared > MAX_BODY) return void response.status(413).set('connection', 'close').json({ code: 'BodyTooLarge' });
    const taken = budget.take(request.socket.remoteAddress ?? '', declared);
    if (taken.ok) {
      response.once('close', taken.free);
      return next();
    }
    onSpent();
    uidOf(request).then(
      (uid) => {
        response.set('connection', 'close');
        if (uid === undefined) response.status(503).json({ code: 'TooManyRequests' });
        else response.json(allow(uid, { patch: [], decision: 'TooManyRequests' }));
      },
      () => response.destroy(), // it went away
    );
  };
};

const uidOf = (request: IncomingMessage): Promise<string | undefined> =>
  new Promise((resolve, reject) => {
    let head = '';
    request.on('data', (chunk: Buffer) => {
      if (head.length >= HEAD) return; // read, and not kept
      head += chunk.toString('latin1', 0, HEAD - head.length);
      const [, uid] = UID.exec(head) ?? [];
      if (uid !== undefined || head.length >= HEAD) resolve(uid);
    });
    request.once('end', () => resolve(UID.exec(head)?.[1]));
    request.once('error', reject);
    request.once('close', () => resolve(undefined));
  });
