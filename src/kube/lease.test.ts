import assert from 'node:assert/strict';
import { describe, it } from 'mocha';
import { systemClock } from '../clock.ts';
import { KubeError } from './errors.ts';
import { runLeaderElection } from './lease.ts';
import type { KubeClient } from './types.ts';

/** One Lease in memory with the API server's rules for it, and faults to switch on. */
const leaseServer = () => {
  const faults = { hang: false, down: false };
  let stored: { metadata: { resourceVersion: string }; spec: { holderIdentity: string } } | undefined;
  let version = 0;
  const fault = async (): Promise<void> => {
    if (faults.hang) await new Promise(() => {});
    if (faults.down) throw new KubeError('down', { status: 0, reason: 'Unreachable' });
  };
  const store = (object: unknown): unknown => {
    version += 1;
    stored = structuredClone(object) as NonNullable<typeof stored>;
    stored.metadata.resourceVersion = String(version);
    return stored;
  };
  const client = {
    async get() {
      await fault();
      return structuredClone(stored);
    },
    async create(_type: unknown, object: unknown) {
      await fault();
      if (stored) throw new KubeError('exists', { status: 409, reason: 'AlreadyExists' });
      return store(object);
    },
    async replace(_type: unknown, object: { metadata: { resourceVersion?: string } }) {
      await fault();
      if (object.metadata.resourceVersion !== stored?.metadata.resourceVersion)
        throw new KubeError('changed', { status: 409, reason: 'Conflict' });
      return store(object);
    },
  } as unknown as KubeClient;
  return { client, faults, holder: () => stored?.spec.holderIdentity };
};

const LEASE_MS = 300;

const candidate = (client: KubeClient, identity: string, lead?: (signal: AbortSignal) => Promise<void>) => {
  const abort = new AbortController();
  const terms: { from: number; to?: number }[] = [];
  const errors: unknown[] = [];
  const started = Promise.withResolvers<void>();
  const ended = Promise.withResolvers<void>();
  const done = runLeaderElection(
    {
      client,
      clock: systemClock,
      namespace: 'ns',
      name: 'leader',
      identity,
      leaseMs: LEASE_MS,
      onError: (error) => errors.push(error),
      lead:
        lead ??
        (async (signal) => {
          const term: { from: number; to?: number } = { from: performance.now() };
          terms.push(term);
          started.resolve();
          await new Promise((resolve) => signal.addEventListener('abort', resolve));
          term.to = performance.now();
          ended.resolve();
        }),
    },
    abort.signal,
  );
  return { abort, done, terms, errors, started: started.promise, ended: ended.promise };
};

describe('leader election', () => {
  it('stops leading before another begins, when its requests hang', async () => {
    const server = leaseServer();
    const cut = { ...server.client };
    const a = candidate(cut, 'a');
    await a.started;
    const b = candidate(server.client, 'b');
    cut.get = () => new Promise(() => {}); // a's network alone is gone
    await b.started;
    const until = a.terms[0]?.to ?? Number.POSITIVE_INFINITY;
    assert.ok(until <= (b.terms[0]?.from ?? 0), 'a led on while b began');
    assert.equal(server.holder(), 'b');
    a.abort.abort();
    b.abort.abort();
    await Promise.all([a.done, b.done]);
  });

  it('stops leading when the API server is away, and leads again when it is back', async () => {
    const server = leaseServer();
    const a = candidate(server.client, 'a');
    await a.started;
    server.faults.down = true;
    await a.ended;
    server.faults.down = false;
    while (a.terms.length < 2) await systemClock.sleep(10);
    assert.ok(a.errors.length > 0);
    a.abort.abort();
    await a.done;
  });

  it('ends at once when told so, although a request hangs', async () => {
    const server = leaseServer();
    const a = candidate(server.client, 'a');
    await a.started;
    server.faults.hang = true;
    a.abort.abort();
    await a.done;
    assert.ok(a.terms[0]?.to !== undefined);
  });

  it('gives the lease up and says why when leading fails', async () => {
    const server = leaseServer();
    const a = candidate(server.client, 'a', () => Promise.reject(new Error('could not start')));
    await assert.rejects(a.done, /could not start/);
    assert.equal(server.holder(), '');
  });

  it('keeps leading when what it started runs on by itself', async () => {
    const server = leaseServer();
    let told: AbortSignal | undefined;
    const a = candidate(server.client, 'a', async (signal) => {
      told = signal;
    });
    await systemClock.sleep(LEASE_MS * 2);
    assert.equal(server.holder(), 'a');
    assert.equal(told?.aborted, false);
    a.abort.abort();
    await a.done;
    assert.equal(told?.aborted, true);
    assert.equal(server.holder(), '');
  });
});
