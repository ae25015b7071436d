import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import type { Readable } from 'node:stream';
import { text } from 'node:stream/consumers';
import { setTimeout as sleep } from 'node:timers/promises';
import { manifestsOf } from '../../src/cli/manifests.ts';
import { run } from '../../src/cli/program.ts';
import { createKubeClient, loadConnection } from '../../src/kube/index.ts';

export interface Outcome {
  code: number;
  out: string;
  err: string;
}

/**
 * Runs one `metricops` command line against a cluster. Its namespace is "default" unless -n says another. With
 * METRICOPS_TEST_CLI, it is that executable which runs: how a release shows that its executables do what the tests say.
 */
export const runCli = async (kubeconfig: string, argv: string[]): Promise<Outcome> => {
  const { METRICOPS_TEST_CLI: executable, ...env } = process.env;
  if (executable !== undefined) return runExecutable(executable, argv, { ...env, KUBECONFIG: kubeconfig });
  const out: string[] = [];
  const err: string[] = [];
  const clients: { close(): Promise<void> }[] = [];
  const code = await run(argv, {
    out: (line) => void out.push(line),
    err: (line) => void err.push(line),
    input: async () => '',
    async connect() {
      const connection = await loadConnection({ kubeconfig });
      const client = createKubeClient(connection);
      clients.push(client);
      return { client, namespace: 'default', server: connection.server };
    },
    now: () => Date.now(),
    sleep: (ms) => sleep(Math.min(ms, 50)),
    manifests: () => manifestsOf(join(import.meta.dirname, '../..')),
    name: 'metricops',
    version: 'test',
  });
  await Promise.all(clients.map((client) => client.close()));
  return { code, out: out.join('\n'), err: err.join('\n') };
};

const runExecutable = async (executable: string, argv: string[], env: NodeJS.ProcessEnv): Promise<Outcome> => {
  const child = spawn(executable, argv, { env, stdio: ['ignore', 'pipe', 'pipe'] });
  const read = async (stream: Readable): Promise<string> => (await text(stream)).replace(/\n$/, '');
  const [out, err, [code]] = await Promise.all([read(child.stdout), read(child.stderr), once(child, 'close')]);
  return { code, out, err };
};
