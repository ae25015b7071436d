import assert from 'node:assert/strict';
import { describe, it } from 'mocha';
import { KubeError, mayBeWritten } from './errors.ts';

const failure = (status: number, reason: string, message = reason) => new KubeError(message, { status, reason });

describe('a write that failed', () => {
  for (const error of [
    failure(403, 'Forbidden'),
    failure(409, 'Conflict'),
    failure(422, 'Invalid'),
    failure(429, 'TooManyRequests'),
    failure(500, 'InternalError', 'Internal error occurred: failed calling webhook "policy.example.com": no endpoints'),
    failure(500, 'InternalError', 'failed to create typed patch object'),
  ])
    it(`changed nothing where the answer is ${error.status} ${error.message}`, () => {
      assert.equal(mayBeWritten(error), false);
    });

  for (const error of [
    failure(0, 'NoAnswer'),
    failure(502, 'BadGateway'),
    failure(504, 'Timeout'),
    failure(500, 'InternalError', 'etcdserver: request timed out'),
    new Error('socket hang up'),
  ])
    it(`may have been done where it says ${error.message}`, () => {
      assert.equal(mayBeWritten(error), true);
    });
});
