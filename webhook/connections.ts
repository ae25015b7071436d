import type { Server } from 'node:https';
import type { Socket } from 'node:net';

/** Open connections at most. A few API servers need a handful each; HTTP/1.1 takes one for each review under way. */
export const MAX_CONNECTIONS = 256;

/**
 * Whoever opens connections and says nothing keeps nobody out: over the bound, the one that has been idle for longest
 * is closed, and where all are busy the new one.
 */
export const keepRoom = (server: Server, max = MAX_CONNECTIONS): void => {
  /** In the order in which they last had something to do. */
  const idle = new Set<Socket>();
  let open = 0;
  server.on('connection', (socket: Socket) => {
    open += 1;
    socket.once('close', () => {
      open -= 1;
    });
    if (open <= max) return;
    const [oldest] = idle;
    (oldest ?? socket).destroy();
  });
  server.on('secureConnection', (socket) => {
    idle.add(socket);
    socket.once('close', () => idle.delete(socket));
  });
  server.on('request', (request, response) => {
    const { socket } = request;
    idle.delete(socket);
    response.once('close', () => {
      if (!socket.destroyed) idle.add(socket);
    });
  });
};
