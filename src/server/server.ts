import {
  createServer as createHttpServer,
  type ServerOptions as HttpOptions,
  type Server as HttpServer,
  type RequestListener,
} from 'node:http';
import { createServer as createHttpsServer, type Server as HttpsServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import { type ConnectionLimits, limitConnections } from '../http/connections.ts';
import { createProbesServer } from './probes.ts';
import { createRoutes, type Prove } from './routes.ts';
import { createTokenBucket } from './token-bucket.ts';
import type { Server, ServerOptions, ServerPorts } from './types.ts';

/** A client that is slow, or silent, holds a socket for no longer than this. */
export const REQUESTS = {
  headersTimeout: 5_000,
  requestTimeout: 15_000,
  maxHeaderSize: 16 * 1024,
  connectionsCheckingInterval: 1_000,
} satisfies HttpOptions;
export const CONNECTIONS: ConnectionLimits = { max: 500, perAddress: 250, requestMs: 60_000 };
export const PROBE_CONNECTIONS: ConnectionLimits = { max: 64, perAddress: 32, requestMs: 5_000 };

/**
 * The controller's listeners: plain HTTP for alerts, push hooks and metrics; TLS for release records, alerts and push
 * hooks; and one that only probes use.
 */
export const createServer = (ports: ServerPorts, options: ServerOptions): Server => {
  let stopping = false;
  const probes = { isReady: () => !stopping && ports.isReady(), stuck: () => ports.stuck?.() ?? [] };
  const routes = createRoutes(ports, probes);

  // Load balancers keep a connection for a minute: it is not us who close first, in the middle of a hook. An idle one
  // costs nobody a place.
  const http = createHttpServer({ ...REQUESTS, keepAliveTimeout: 65_000 });
  // Without a certificate yet, handshakes fail and the sidecars try again.
  const records = createHttpsServer({
    ...REQUESTS,
    keepAliveTimeout: 5_000,
    minVersion: 'TLSv1.2',
    handshakeTimeout: 5_000,
  });
  const probe = createProbesServer(probes);
  serve(http, routes.http, CONNECTIONS);
  // A handshake costs a millisecond of CPU; a node's pods may come all at once behind its address.
  const handshakes = createTokenBucket({ capacity: 500, perSecond: 100, clock: ports.clock });
  serve(records, routes.records, { ...CONNECTIONS, graceMs: 1_000, accepts: (address) => handshakes.take(address) });
  limitConnections(probe, PROBE_CONNECTIONS);
  const unsubscribe = ports.certificates.onChange(({ cert, key }) => records.setSecureContext({ cert, key }));

  return {
    async start() {
      const { host } = options;
      const [httpPort, recordsPort, probesPort] = await Promise.all([
        listen(http, options.httpPort, host),
        listen(records, options.recordsPort, host),
        listen(probe, options.probesPort, host),
      ]);
      ports.log.info({ httpPort, recordsPort, probesPort }, 'serving');
      return { ports: { http: httpPort, records: recordsPort, probes: probesPort } };
    },
    used: routes.used,
    async stop() {
      stopping = true;
      unsubscribe();
      await Promise.all([http, records].map((server) => drain(server, options.drainMs ?? 10_000)));
      await drain(probe, 0); // last, so that a pod that ends its work is not taken for dead
    },
  };
};

type AnyServer = HttpServer | HttpsServer;

const serve = (server: AnyServer, route: (prove: Prove) => RequestListener, limits: ConnectionLimits): void => {
  const connections = limitConnections(server, limits);
  server.on('request', route(connections.prove));
};

/** The port it listens on. Rejects when the port is taken. */
const listen = (server: AnyServer, port: number, host: string | undefined): Promise<number> =>
  new Promise((resolve, reject) => {
    server.once('error', reject);
    server.listen({ port, backlog: 2_048, ...(host === undefined ? {} : { host }) }, () => {
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
