#!/usr/bin/env node
import { basename, join } from 'node:path';
import { createInterface } from 'node:readline/promises';
import { text } from 'node:stream/consumers';
import { setTimeout as sleep } from 'node:timers/promises';
import { createKubeClient, loadConnection } from '../kube/index.ts';
import { VERSION } from '../version.ts';
import { type Manifests, manifestsOf } from './manifests.ts';
import { run } from './program.ts';

/** Set by the build. */
declare const METRICOPS_MANIFESTS: Manifests | undefined;

const clients: { close(): Promise<void> }[] = [];
const built = typeof METRICOPS_MANIFESTS === 'undefined' ? undefined : METRICOPS_MANIFESTS;

// `metricops ... | head` has read enough: no failure.
process.stdout.on('error', (error: NodeJS.ErrnoException) => {
  if (error.code !== 'EPIPE') throw error;
  process.exit(0);
});

const ask = async (question: string): Promise<string> => {
  const terminal = createInterface({ input: process.stdin, output: process.stderr });
  try {
    return await terminal.question(question);
  } finally {
    terminal.close();
  }
};

/** An executable of its own may have its name in argv0 alone. */
const isPlugin = [process.argv[1], process.argv0].some((path) => basename(path ?? '').startsWith('kubectl-'));

const main = async (): Promise<void> => {
  process.exitCode = await run(process.argv.slice(2), {
    out: (line) => void process.stdout.write(`${line}\n`),
    err: (line) => void process.stderr.write(`${line}\n`),
    input: () => text(process.stdin),
    async connect(options) {
      const connection = await loadConnection(options);
      const client = createKubeClient(connection, { connections: 8, userAgent: 'metricops-cli' });
      clients.push(client);
      return { client, namespace: connection.namespace, server: connection.server };
    },
    ...(process.stdin.isTTY && process.stderr.isTTY ? { ask } : {}),
    now: () => Date.now(),
    sleep: (ms) => sleep(ms),
    manifests: () => built ?? manifestsOf(join(import.meta.dirname, '../..')),
    ...(built ? {} : { checkout: join(import.meta.dirname, '../..') }),
    name: isPlugin ? 'kubectl metricops' : 'metricops',
    version: VERSION,
  });
  for (const client of clients) await client.close();
};

// Not awaited at the top: an executable of its own is CommonJS.
void main();
