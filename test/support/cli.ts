import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { manifestsOf } from '../../src/cli/manifests.ts';
import { run } from '../../src/cli/program.ts';
import { createKubeClient, loadConnection } from '../../src/kube/index.ts';

export interface Outcome {
  code: number;
  out: string;
  err: string;
}

/** Runs one `metricops` command line against a cluster. Its namespace is "default" unless -n says another. */
export const runCli = async (kubeconfig: string, argv: string[]): Promise<Outcome> => {
  const out: string[] = [];
  const err: string[] = [];
  const clients: { close(): Promise<void> }[] = [];
  const code = await run(argv, {
    out: (text) => void out.push(text),
    err: (text) => void err.push(text),
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
