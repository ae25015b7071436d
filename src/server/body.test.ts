import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer, type Server } from 'node:http';
import { connect, type Socket } from 'node:net';
import { afterEach, beforeEach, describe, it } from 'mocha';
import { eventually } from '../../test/support/poll.ts';
import { createBodies } from './body.ts';
import { Problem } from './problem.ts';

const KiB = 1 << 10;

describe('bodies out of one budget', () => {
  const limits = { perBody: 64 * KiB, total: 100 * KiB, perAddress: 100 * KiB, deadlineMs: 60_000, busy: 503 } as const;
  let now = 0;
  let server: Server;
  let used: () => number;
  let sockets: Socket[];

  beforeEach(() => {
    now = 0;
    sockets = [];
  });
  afterEach(() => {
    for (const socket of sockets) socket.destroy();
    server.close();
  });

  const start = async (change: Partial<typeof limits> | { deadlineMs: number } = {}): Promise<void> => {
    const bodies = createBodies({ ...limits, ...change }, { now: () => now });
    used = bodies.used;
    server = createServer((request, response) => {
      const answer = (status: number): void => void response.writeHead(status).end();
      bodies.read(request, response).then(
        () => answer(200),
        (error: unknown) => answer(error instanceof Problem ? error.status : 500),
      );
    }).listen(0, '127.0.0.1');
    await once(server, 'listening');
  };
  /** Sends so much of a body of 60 KiB; the status once it is answered. */
  const post = async (bytes: number): Promise<{ status: () => number | undefined; socket: Socket }> => {
    const { port } = server.address() as { port: number };
    const socket = connect(port, '127.0.0.1');
    sockets.push(socket);
    let text = '';
    socket.on('data', (data) => {
      text += data;
    });
    const before = used();
    socket.write(`POST / HTTP/1.1\r\nhost: x\r\ncontent-length: ${60 * KiB}\r\n\r\n${' '.repeat(bytes)}`);
    const status = (): number | undefined => (text === '' ? undefined : Number(text.slice(9, 12)));
    await eventually(() => used() - before >= bytes || status() !== undefined);
    return { status, socket };
  };

  it('refuses what exceeds it, and takes it again when the others have ended', async () => {
    await start();
    const first = await post(50 * KiB);
    assert.equal((await post(60 * KiB)).status(), 503);
    assert.equal(first.status(), undefined);
    first.socket.write(' '.repeat(10 * KiB));
    await eventually(() => first.status() === 200 && used() === 0);
    assert.equal((await post(60 * KiB)).status(), 200);
  });

  it('lets a body that has come to a stand make room for a newer one', async () => {
    await start();
    const stalled = await post(50 * KiB);
    now += 300;
    assert.equal((await post(60 * KiB)).status(), 200);
    await eventually(() => stalled.status() === 408);
  });

  it('gives back what a caller held that went away', async () => {
    await start();
    const { socket } = await post(50 * KiB);
    socket.destroy();
    await eventually(() => used() === 0);
  });

  it('ends a body that is late', async () => {
    await start({ deadlineMs: 50 });
    const { status } = await post(10 * KiB);
    await eventually(() => status() === 408);
    assert.equal(used(), 0);
  });

  it('counts a body in small pieces for more than its bytes', async () => {
    await start();
    const { socket } = await post(1);
    for (let i = 0; i < 20; i += 1) {
      const before = used();
      socket.write(' ');
      await eventually(() => used() > before);
    }
    assert.ok(used() > 20 * 100, `${used()}`);
  });
});
