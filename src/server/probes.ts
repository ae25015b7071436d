import { createServer, type Server } from 'node:http';

export interface Probes {
  /** Whether this process takes requests. */
  isReady(): boolean;
  /** Sentences about what only a restart helps. */
  stuck(): readonly string[];
}

/**
 * Status and text of a probe; undefined for any other path. A main loop that hangs answers neither, and is restarted for
 * it; its Lease goes before that, by the thread that holds it. `stuck` names what hangs beside the main loop.
 */
export const answerProbe = (path: string, { isReady, stuck }: Probes): [status: number, text: string] | undefined => {
  if (path === '/healthz') {
    const parts = stuck();
    return parts.length === 0 ? [200, 'ok\n'] : [500, parts.map((part) => `${part}\n`).join('')];
  }
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
