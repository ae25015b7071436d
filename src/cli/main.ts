#!/usr/bin/env node
import { existsSync } from 'node:fs';
import { basename, join } from 'node:path';
import { createInterface } from 'node:readline/promises';
import { text } from 'node:stream/consumers';
import { setTimeout as sleep } from 'node:timers/promises';
import { createKubeClient, loadConnection } from '../kube/index.ts';
import { VERSION } from '../version.ts';
import { run } from './program.ts';

const clients: { close(): Promise<void> }[] = [];
// The build puts the manifests beside the bundle; in the source tree they are at its root.
const beside = join(import.meta.dirname, 'kustomization.yaml');
const manifests = existsSync(beside) ? import.meta.dirname : join(import.meta.dirname, '../..');

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
  manifests,
  name: basename(process.argv[1] ?? '').startsWith('kubectl-') ? 'kubectl metricops' : 'metricops',
  version: VERSION,
});
for (const client of clients) await client.close();
