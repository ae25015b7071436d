import { connect, createServer, type Socket } from 'node:net';

export interface FaultProxy {
  port: number;
  /** Ends all connections at once; new ones are let through. */
  cut(): void;
  /** No byte passes any more, on these connections and on new ones, and nobody is told: a cable pulled out. */
  freeze(): void;
  /** New connections are let through again; the frozen ones stay as they are. */
  thaw(): void;
  close(): void;
}

/** A TCP proxy on the loopback address: the faults of a network, on demand. */
export const startProxy = async (target: URL): Promise<FaultProxy> => {
  const sockets = new Set<Socket>();
  let frozen = false;
  const server = createServer((inbound) => {
    const outbound = connect(Number(target.port), target.hostname);
    for (const socket of [inbound, outbound]) {
      sockets.add(socket);
      socket.on('error', () => {}).on('close', () => sockets.delete(socket));
    }
    if (frozen) return;
    inbound.pipe(outbound);
    outbound.pipe(inbound);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const cut = (): void => {
    for (const socket of sockets) socket.destroy();
  };
  return {
    port: (server.address() as { port: number }).port,
    cut,
    freeze() {
      frozen = true;
      for (const socket of sockets) socket.unpipe().pause();
    },
    thaw() {
      frozen = false;
    },
    close() {
      cut();
      server.close();
    },
  };
};
