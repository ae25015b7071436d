import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer as createNetServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { buildAll } from '../../tools/build.ts';

/** Flags of the image's entry point. */
const FLAGS = ['--jitless', '--max-semi-space-size=1', '--max-old-space-size=16', '--v8-pool-size=0'];

export interface RunningSidecar {
  process: ChildProcess;
  /** Port of /metrics. */
  port: number;
  /** Log lines so far, parsed. */
  lines: Record<string, unknown>[];
  scrape(headers?: Record<string, string>, path?: string): Promise<{ status: number; type: string; text: string }>;
  /** What the kubelet does when it rotates the token. */
  writeToken(token: string): void;
  writeCa(pem: string): void;
  end(): Promise<void>;
}

const bundle: { path?: Promise<string> } = {};
const bundled = (): Promise<string> => {
  bundle.path ??= (async () => {
    const dir = mkdtempSync(join(tmpdir(), 'metricops-sidecar-bundle-'));
    process.once('exit', () => rmSync(dir, { recursive: true, force: true }));
    await buildAll(dir, { only: ['sidecar.cjs'] });
    return join(dir, 'sidecar.cjs');
  })();
  return bundle.path;
};

export const freePort = async (): Promise<number> => {
  const server = createNetServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as { port: number };
  server.close();
  await once(server, 'close');
  return port;
};

/** The bundle that ships, as a process of its own, started as in its image. */
export const runSidecar = async (options: {
  recordUrl: string;
  ca?: string;
  token?: string;
  port?: number;
  env?: Record<string, string>;
}): Promise<RunningSidecar> => {
  const dir = mkdtempSync(join(tmpdir(), 'metricops-sidecar-'));
  const port = options.port ?? (await freePort());
  const writeToken = (token: string): void => writeFileSync(join(dir, 'token'), `${token}\n`);
  if (options.token !== undefined) writeToken(options.token);
  const child = spawn(process.execPath, [...FLAGS, await bundled()], {
    stdio: ['ignore', 'pipe', 'inherit'],
    env: {
      METRICOPS_RECORD_URL: options.recordUrl,
      METRICOPS_TOKEN_FILE: join(dir, 'token'),
      METRICOPS_CA_FILE: join(dir, 'ca.crt'),
      METRICOPS_PORT: String(port),
      ...(options.ca === undefined ? {} : { METRICOPS_CA: options.ca }),
      ...options.env,
    },
  });
  const lines: Record<string, unknown>[] = [];
  let rest = '';
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    const parts = (rest + text).split('\n');
    rest = parts.pop() ?? '';
    for (const part of parts) lines.push(JSON.parse(part) as Record<string, unknown>);
  });
  return {
    process: child,
    port,
    lines,
    async scrape(headers = {}, path = '/metrics') {
      const answer = await fetch(`http://127.0.0.1:${port}${path}`, { headers });
      return { status: answer.status, type: answer.headers.get('content-type') ?? '', text: await answer.text() };
    },
    writeToken,
    writeCa: (pem) => writeFileSync(join(dir, 'ca.crt'), pem),
    async end() {
      if (child.exitCode === null && child.signalCode === null) {
        child.kill('SIGKILL');
        await once(child, 'exit');
      }
      rmSync(dir, { recursive: true, force: true });
    },
  };
};
