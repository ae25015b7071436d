import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Clock } from '../clock.ts';
import { createBudget } from '../http/budget.ts';
import { Problem } from './problem.ts';

export interface BodyLimits {
  /** Bytes of one body. */
  perBody: number;
  /** Bytes of all bodies that are being read or worked on. */
  total: number;
  /** Bytes of the bodies of one remote address. */
  perAddress: number;
  /** From the first look at the body to its last byte. */
  deadlineMs: number;
  /** Answered when the bytes are spent. Alertmanager repeats on 5xx only. */
  busy: 429 | 503;
}

export interface Bodies {
  /**
   * The body's bytes, which count until the response ends. Throws Problem: 413 over the limit, 415 when it is
   * compressed, 408 when it is late, 429 or 503 when there is no room.
   */
  read(request: IncomingMessage, response: ServerResponse): Promise<Buffer>;
  /** Bytes held now. */
  used(): number;
}

/** A body that is not whole after so long makes room for a newer one: genuine ones come in one go. */
const PATIENCE_MS = 250;

/** What a piece of a body takes beside its bytes: a body in pieces of one byte is no cheaper. */
const PER_PIECE = 256;

interface Reader {
  address: string;
  since: number;
  bytes: number;
  fail(problem: Problem): void;
}

/** Reads bodies from a number of bytes that all callers share. */
export const createBodies = (limits: BodyLimits, clock: Pick<Clock, 'now'>): Bodies => {
  const { perBody, total, perAddress, deadlineMs, busy } = limits;
  const budget = createBudget({ total, perGroup: perAddress });
  /** In the order in which they began. */
  const readers = new Set<Reader>();

  const displaceFor = (reader: Reader, of: 'group' | 'all'): boolean => {
    for (const other of readers) {
      if (clock.now() - other.since < PATIENCE_MS) return false;
      if (other === reader || other.bytes === 0 || (of === 'group' && other.address !== reader.address)) continue;
      other.fail(new Problem(408, 'BodyTooSlow'));
      return true;
    }
    return false;
  };
  const take = (reader: Reader, bytes: number): (() => void) => {
    for (;;) {
      const taken = budget.take(reader.address, bytes);
      if (taken.ok) return taken.free;
      if (displaceFor(reader, taken.of)) continue;
      const message = `The bodies that are being read fill ${taken.limit} bytes.`;
      throw new Problem(busy, 'TooManyRequests', { message, retryAfterSeconds: 1 });
    }
  };

  return {
    async read(request, response) {
      const { headers, socket } = request;
      if ((headers['content-encoding'] ?? 'identity') !== 'identity') {
        throw new Problem(415, 'InvalidRequest', { message: 'The body is compressed; send it as it is.' });
      }
      if (Number(headers['content-length'] ?? 0) > perBody) throw tooLarge(perBody);
      const chunks: Buffer[] = [];
      const frees: (() => void)[] = [];
      const done = Promise.withResolvers<void>();
      const reader: Reader = {
        address: socket.remoteAddress ?? '',
        since: clock.now(),
        bytes: 0,
        fail: (problem) => {
          if (!readers.delete(reader)) return; // it is whole, or has failed
          for (const free of frees.splice(0)) free();
          chunks.length = 0;
          done.reject(problem);
        },
      };
      const onData = (chunk: Buffer): void => {
        try {
          if (reader.bytes + chunk.length > perBody) throw tooLarge(perBody);
          frees.push(take(reader, chunk.length + PER_PIECE));
          reader.bytes += chunk.length;
          chunks.push(chunk);
        } catch (error) {
          reader.fail(error as Problem);
        }
      };
      const onEnd = (): void => {
        readers.delete(reader);
        done.resolve();
      };
      const onClose = (): void => reader.fail(new Problem(400, 'InvalidRequest', { message: 'The body broke off.' }));
      const late = setTimeout(() => reader.fail(new Problem(408, 'BodyTooSlow')), deadlineMs);
      readers.add(reader);
      response.once('close', () => {
        for (const free of frees.splice(0)) free();
      });
      if (headers.expect !== undefined) response.writeContinue();
      request.on('data', onData).once('end', onEnd).once('close', onClose).on('error', onClose);
      try {
        await done.promise;
        return chunks.length === 1 && chunks[0] ? chunks[0] : Buffer.concat(chunks);
      } finally {
        clearTimeout(late);
        request.off('data', onData).off('end', onEnd).off('close', onClose);
        request.resume(); // what is left is thrown away
      }
    },
    used: budget.used,
  };
};

const tooLarge = (limit: number): Problem =>
  new Problem(413, 'BodyTooLarge', { message: `The body is over ${limit} bytes.` });
