import { execFile } from 'node:child_process';
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { load } from 'js-yaml';
import type { KubeObject } from '../../src/api/meta.ts';
import { systemClock } from '../../src/clock.ts';
import {
  createDiscovery,
  createKubeClient,
  type Discovery,
  type KubeClient,
  loadConnection,
  resources,
} from '../../src/kube/index.ts';
import { startCluster } from '../cluster/index.ts';
import { waitFor } from '../cluster/wait.ts';

/** What a program said, and how it ended. */
export interface Said {
  ok: boolean;
  stdout: string;
  stderr: string;
}

/** A control plane without nodes, and kubectl on it. */
export interface Plane {
  kubeconfig: string;
  client: KubeClient;
  discovery: Discovery;
  /** With this namespace for what names none. */
  kubectl(namespace: string, args: readonly string[], input?: string): Promise<Said>;
  namespace(name: string): Promise<void>;
  close(): Promise<void>;
}

const MANAGER = { fieldManager: 'real', force: true };

/** One of its own, which ends with `close`. */
export const startPlane = async (name: string, log: (line: string) => void): Promise<Plane> => {
  const cluster = await startCluster({ name, node: false, log });
  const ended = (): void => void cluster.down();
  process.once('exit', ended);
  return openPlane(cluster, async () => {
    process.off('exit', ended);
    await cluster.down();
  });
};

/** One that somebody else ends. */
export const openPlane = async (
  { kubeconfig, kubectl }: { kubeconfig: string; kubectl: string },
  down: () => Promise<void> = async () => {},
): Promise<Plane> => {
  const client = createKubeClient(await loadConnection({ kubeconfig }));
  const configs = new Map<string, string>();
  const configFor = (namespace: string): string => {
    const known = configs.get(namespace);
    if (known !== undefined) return known;
    const file = `${kubeconfig}.${namespace}`;
    const config = load(readFileSync(kubeconfig, 'utf8')) as { contexts: { context: { namespace?: string } }[] };
    for (const { context } of config.contexts) context.namespace = namespace;
    writeFileSync(file, JSON.stringify(config), { mode: 0o600 });
    configs.set(namespace, file);
    return file;
  };
  return {
    kubeconfig,
    client,
    discovery: createDiscovery(client, systemClock),
    // Not the flag -n: kubectl would refuse objects of another namespace.
    kubectl: (namespace, args, input) =>
      run(kubectl, ['--kubeconfig', configFor(namespace), ...args], { env: process.env, input }),
    async namespace(name) {
      if (await client.get(resources.namespaces, { name })) return;
      await client.create(resources.namespaces, { apiVersion: 'v1', kind: 'Namespace', metadata: { name } });
      const account = { namespace: name, name: 'default' };
      await waitFor('the default ServiceAccount', () => client.get(resources.serviceAccounts, account), {
        timeoutMs: 30_000,
      });
    },
    async close() {
      await client.close();
      await down();
    },
  };
};

export const run = (
  file: string,
  args: readonly string[],
  { env, input = '' }: { env: NodeJS.ProcessEnv; input?: string | undefined },
): Promise<Said> =>
  new Promise((resolve) => {
    const options = { env, maxBuffer: 256 << 20, timeout: 120_000 };
    const child = execFile(file, args, options, (error, stdout, stderr) => resolve({ ok: !error, stdout, stderr }));
    child.stdin?.on('error', () => {}); // it may end before it has read everything
    child.stdin?.end(input);
  });

/** The kinds of metricops, as it is installed. */
export const ownKinds = (): KubeObject[] => {
  const dir = join(import.meta.dirname, '../../deploy/crds');
  const files = readdirSync(dir).filter((file) => file.endsWith('.yaml') && file !== 'kustomization.yaml');
  return files.map((file) => load(readFileSync(join(dir, file), 'utf8')) as KubeObject);
};

/** Applies definitions, and waits until all of them are served. */
export const serveKinds = async (
  { client }: Pick<Plane, 'client'>,
  definitions: readonly KubeObject[],
): Promise<void> => {
  for (const definition of definitions) await client.apply(resources.crds, definition, MANAGER);
  for (const { metadata } of definitions) {
    const established = async (): Promise<true | undefined> => {
      const { conditions = [] } = ((await client.get(resources.crds, metadata))?.status ?? {}) as {
        conditions?: { type: string; status: string }[];
      };
      return conditions.some(({ type, status }) => type === 'Established' && status === 'True') || undefined;
    };
    await waitFor(`the definition ${metadata.name}`, established, { timeoutMs: 60_000 });
  }
};
