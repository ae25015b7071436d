import {
  createServer as createHttpServer,
  type ServerOptions as HttpOptions,
  type Server as HttpServer,
} from 'node:http';
import { createServer as createHttpsServer, type Server as HttpsServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import { createHttpApplication, createRecordsApplication } from './routes.ts';
import type { Server, ServerOptions, ServerPorts } from './types.ts';

/** A client that is slow, or silent, holds a socket for no longer than this. */
const LIMITS: HttpOptions = {
  headersTimeout: 10_000,
  requestTimeout: 30_000,
  keepAliveTimeout: 65_000, // longer than a load balancer's usual minute, so that it is not us who close first
  maxHeaderSize: 16 * 1024,
  connectionsCheckingInterval: 5_000,
};
const MAX_CONNECTIONS = 2_000;

/** The controller's two listeners: plain HTTP for alerts, push hooks and metrics, TLS for release records. */
export const createServer = (ports: ServerPorts, options: ServerOptions): Server => {
  let stopping = false;
  const http = createHttpServer(
    LIMITS,
    createHttpApplication(ports, () => stopping),
  );
  // Without a certificate yet, handshakes fail and the sidecars try again.
  const records = createHttpsServer(
    { ...LIMITS, minVersion: 'TLSv1.2', handshakeTimeout: 10_000 },
    createRecordsApplication(ports),
  );
  const servers = [http, records];
  for (const server of servers) server.maxConnections = MAX_CONNECTIONS;
  const unsubscribe = ports.certificates.onChange(({ cert, key }) => records.setSecureContext({ cert, key }));

  return {
    async start() {
      const [httpPort, recordsPort] = await Promise.all([
        listen(http, options.httpPort, options.host),
        listen(records, options.recordsPort, options.host),
      ]);
      ports.log.info({ httpPort, recordsPort }, 'serving');
      return { ports: { http: httpPort, records: recordsPort } };
    },
    async stop() {
      stopping = true;
      unsubscribe();
      await Promise.all(servers.map((server) => drain(server, options.drainMs ?? 10_000)));
    },
  };
};

type AnyServer = HttpServer | HttpsServer;

/** The port it listens on. Rejects when the port is taken. */
const listen = (server: AnyServer, port: number, host: string | undefined): Promise<number> =>
  new Promise((resolve, reject) => {
    server.once('error', reject);
    server.listen({ port, ...(host === undefined ? {} : { host }) }, () => {
      server.off('error', reject);
      resolve((server.address() as AddressInfo).port);
    });
  });

const drain = (server: AnyServer, drainMs: number): Promise<void> =>
  new Promise((resolve) => {
    const cut = setTimeout(() => server.closeAllConnections(), drainMs);
    server.close(() => {
      clearTimeout(cut);
      resolve();
    });
    server.closeIdleConnections();
  });
