import type { Server as HttpServer, IncomingMessage, ServerResponse } from 'node:http';
import type { Server as HttpsServer } from 'node:https';
import type { Socket } from 'node:net';

export interface ConnectionLimits {
  /** Connections at a time, of everybody. */
  max: number;
  /** Of one remote address; as many as there are by default. */
  perAddress?: number;
  /**
   * Younger ones are not dropped for a newer one, which is refused instead: a crowd of genuine callers gets through.
   */
  graceMs?: number;
  /** Whether this address may open one more now; asked before a TLS handshake costs anything. */
  accepts?: (address: string) => boolean;
  /** A caller that does not read its answer for so long counts as idle; 5 s by default. */
  stuckMs?: number;
  /** From a request's headers to the end of its answer; Infinity by default. */
  requestMs?: number;
}

export interface Connections {
  /**
   * The caller has proved who it is: its connection is not dropped while the request lasts, even if its body is slow.
   */
  prove(request: IncomingMessage): void;
  /** Open ones. */
  count(): number;
}

interface Connection {
  /** The same for a TLS socket and for the socket below it. */
  key: string;
  address: string;
  socket: Socket;
  openedAt: number;
  request: IncomingMessage | undefined;
  /** When the request began. */
  since: number;
  proved: boolean;
}

/** What is sent after an answer is thrown away for so long: a caller that still sends reads the answer first. */
const LINGER_MS = 1_000;

/**
 * Bounds the connections of a server. Where there are too many, the one that has been idle for the longest makes room;
 * a caller that has sent half a request, or does not read its answer, counts as idle. The new connection is closed only
 * where none is idle. So a caller that holds connections without using them harms only itself.
 */
export const limitConnections = (server: HttpServer | HttpsServer, limits: ConnectionLimits): Connections => {
  const { max, perAddress = max, graceMs = 0, stuckMs = 5_000, accepts, requestMs = Number.POSITIVE_INFINITY } = limits;
  /** Both in the order of the last use. */
  const all = new Map<string, Connection>();
  const byAddress = new Map<string, Map<string, Connection>>();

  const add = (connection: Connection): void => {
    const { key, address } = connection;
    all.set(key, connection);
    byAddress.set(address, (byAddress.get(address) ?? new Map()).set(key, connection));
  };
  const remove = (connection: Connection): void => {
    const { key, address } = connection;
    if (all.get(key) !== connection) return; // gone before, and the port is another caller's
    all.delete(key);
    const own = byAddress.get(address);
    own?.delete(key);
    if (own?.size === 0) byAddress.delete(address);
  };

  /** Whether one of these could be dropped, which then is. */
  const dropIdle = (connections: Map<string, Connection>): boolean => {
    const now = performance.now();
    for (const connection of connections.values()) {
      const { socket, request, proved, openedAt, since } = connection;
      const isStuck = socket.writableNeedDrain && now - since > stuckMs;
      if (proved || (request?.complete === true && !isStuck) || now - openedAt < graceMs) continue;
      remove(connection);
      socket.destroy();
      return true;
    }
    return false;
  };
  const hasRoom = (address: string): boolean => {
    const own = byAddress.get(address);
    return (own === undefined || own.size < perAddress || dropIdle(own)) && (all.size < max || dropIdle(all));
  };

  server.on('connection', (socket: Socket) => {
    const address = socket.remoteAddress ?? '';
    if (accepts?.(address) === false || !hasRoom(address)) return void socket.destroy();
    const openedAt = performance.now();
    const connection = { key: keyOf(socket), address, socket, openedAt, request: undefined, since: 0, proved: false };
    add(connection);
    socket.once('close', () => remove(connection));
  });

  server.on('secureConnection', (socket: Socket) => {
    const connection = all.get(keyOf(socket));
    if (!connection) return void socket.destroy();
    connection.socket = socket;
    socket.once('close', () => remove(connection));
  });

  // An answer may refuse the body before the caller sends it.
  server.on('checkContinue', (request, response) => void server.emit('request', request, response));

  server.prependListener('request', (request: IncomingMessage, response: ServerResponse) => {
    const { socket } = request;
    const connection = all.get(keyOf(socket));
    if (!connection) return void socket.destroy();
    Object.assign(connection, { request, since: performance.now(), proved: false });
    const late = Number.isFinite(requestMs) ? setTimeout(() => socket.destroy(), requestMs) : undefined;
    response.once('finish', () => {
      if (!request.complete) setTimeout(() => request.complete || socket.destroy(), LINGER_MS).unref();
    });
    response.once('close', () => {
      clearTimeout(late);
      if (connection.request !== request) return; // the next one came in the same packet
      remove(connection);
      Object.assign(connection, { request: undefined, proved: false });
      if (!socket.destroyed) add(connection);
    });
  });

  return {
    prove(request) {
      const connection = all.get(keyOf(request.socket));
      if (connection?.request === request) connection.proved = true;
    },
    count: () => all.size,
  };
};

const keyOf = ({ remoteAddress, remotePort }: Socket): string => `${remoteAddress} ${remotePort}`;
