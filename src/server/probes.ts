import { createServer, type Server } from 'node:http';

/** Whether this process can go on (or else is restarted), and whether it takes requests. */
export interface Probes {
  isAlive(): boolean;
  isReady(): boolean;
}

/** Status and text of a probe; undefined for any other path. */
export const answerProbe = (path: string, { isAlive, isReady }: Probes): [status: number, text: string] | undefined => {
  if (path === '/healthz') return isAlive() ? [200, 'ok\n'] : [503, 'the main loop stands still\n'];
  if (path === '/readyz') return isReady() ? [200, 'ok\n'] : [503, 'not ready\n'];
  return undefined;
};

/** The kubelet's port: it answers two paths out of memory, and shares nothing with the ports that callers load. */
export const createProbesServer = (probes: Probes): Server =>
  createServer(
    {
      headersTimeout: 2_000,
      requestTimeout: 2_000,
      connectionsCheckingInterval: 500,
      keepAliveTimeout: 1_000,
      maxHeaderSize: 4 * 1024,
    },
    (request, response) => {
      const [status, text] = answerProbe(request.url?.split('?')[0] ?? '', probes) ?? [404, 'not found\n'];
      response.writeHead(status, { 'content-type': 'text/plain; charset=utf-8', connection: 'close' }).end(text);
    },
  );
