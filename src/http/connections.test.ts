import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer, type IncomingMessage, type RequestListener, type Server } from 'node:http';
import { createServer as createTlsServer } from 'node:https';
import { type AddressInfo, connect, type Socket } from 'node:net';
import { afterEach, before, describe, it } from 'mocha';
import { send } from '../../test/support/hostile-caller.ts';
import { eventually } from '../../test/support/poll.ts';
import { type Certificates, renewed } from '../../webhook/certificate-store.ts';
import { type ConnectionLimits, type Connections, limitConnections } from './connections.ts';

describe('the connections of a server', () => {
  let server: Server;
  let connections: Connections;
  const sockets: Socket[] = [];
  let certificates: Certificates;

  before(async () => {
    certificates = await renewed(undefined, ['127.0.0.1'], Date.now());
  });
  afterEach(() => {
    for (const socket of sockets.splice(0)) socket.destroy();
    server.closeAllConnections();
    server.close();
  });

  const start = async (limits: ConnectionLimits, answer?: RequestListener, tls = false): Promise<void> => {
    const { certificate: cert, key } = certificates.leaf;
    server = tls ? createTlsServer({ cert, key }) : createServer();
    connections = limitConnections(server, limits);
    server.on('request', answer ?? ((_request, response) => void response.end('ok')));
    await once(server.listen(0, '127.0.0.1'), 'listening');
  };
  const port = (): number => (server.address() as AddressInfo).port;
  /** A connection that sends this, and reads nothing. */
  const open = async (text = '', from = '127.0.0.1'): Promise<Socket> => {
    const socket = connect({ port: port(), host: '127.0.0.1', localAddress: from }).on('error', () => {});
    sockets.push(socket);
    await once(socket, 'connect');
    if (text !== '') socket.write(text);
    return socket;
  };
  const ask = (from?: string, tls = false): Promise<number> => send({ port: port(), tls }, { path: '/' }, from);
  const closed = (socket: Socket): Promise<unknown> => {
    socket.resume(); // an end is seen by who reads
    return eventually(() => socket.closed || socket.destroyed);
  };

  it('make room for a new one by the one that was idle for the longest', async () => {
    await start({ max: 2 });
    const [first, second] = [await open(), await open()];
    await eventually(() => connections.count() === 2);
    assert.equal(await ask(), 200);
    await closed(first);
    assert.equal(second.closed, false);
  });

  it('are not taken from an answer that is being made, nor from a proved caller whose body is slow', async () => {
    let seen = 0;
    const answer = (request: IncomingMessage): void => {
      seen += 1;
      if (request.headers.proved) connections.prove(request);
    };
    await start({ max: 2 }, answer);
    await open('GET / HTTP/1.1\r\nhost: x\r\n\r\n');
    await open('POST / HTTP/1.1\r\nhost: x\r\nproved: 1\r\ncontent-length: 9\r\n\r\n1');
    await eventually(() => seen === 2);
    assert.equal(await ask(), 0);
    assert.equal(connections.count(), 2);
  });

  it('are taken from who does not read his answer', async () => {
    let asked = false;
    await start({ max: 1, stuckMs: 100 }, (request, response) => {
      asked = true;
      response.end(request.method === 'GET' ? Buffer.alloc(64 << 20) : 'ok');
    });
    const stuck = await open('GET / HTTP/1.1\r\nhost: x\r\n\r\n');
    stuck.pause();
    await eventually(() => asked);
    await eventually(async () => (await ask()) === 200);
  });

  it('of one address are a part of all', async () => {
    await start({ max: 3, perAddress: 2 });
    const others = [await open('', '127.0.0.2'), await open('', '127.0.0.2'), await open('', '127.0.0.2')];
    await eventually(() => connections.count() === 2);
    assert.equal(await ask(), 200);
    assert.ok(others[0]);
    await closed(others[0]);
    assert.deepEqual(
      others.slice(1).map((socket) => socket.closed),
      [false, false],
    );
  });

  it('that are new stay for a while where a crowd is expected: the next one is refused', async () => {
    await start({ max: 1, graceMs: 60_000 });
    const first = await open();
    await eventually(() => connections.count() === 1);
    assert.equal(await ask(), 0);
    assert.equal(first.closed, false);
  });

  it('end with a request that lasts too long', async () => {
    await start({ max: 1, requestMs: 50 }, () => {});
    assert.equal(await ask(), 0);
  });

  it('are counted from before their TLS handshake, and once', async () => {
    await start({ max: 2, accepts: (address) => address !== '127.0.0.9' }, undefined, true);
    const silent = [await open(), await open()];
    await eventually(() => connections.count() === 2);
    assert.equal(await ask('127.0.0.2', true), 200);
    assert.ok(silent[0]);
    await closed(silent[0]);
    assert.equal(await ask('127.0.0.9', true), 0);
    for (const socket of silent) socket.destroy();
    await eventually(() => connections.count() === 0);
  });
});
