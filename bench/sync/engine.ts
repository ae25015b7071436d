import { spawn } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { closeSync, mkdirSync, openSync, readFileSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { ensurePrograms } from '../../tools/cluster/build.ts';
import { waitFor } from '../../tools/cluster/wait.ts';
import { type Cgroup, createCgroup } from './cgroup.ts';

/** The controller as it ships: the bundle, in a process and a control group of its own. */
export interface Engine {
  cgroup: Cgroup;
  /** Epoch milliseconds at which it began to sync. */
  since: number;
  ports: { http: number; records: number; webhook: number };
  /** The last of its log. */
  log(): string;
  /** How it ended by itself: an exit code or a signal. undefined while it runs. */
  ended(): string | undefined;
  /** Posts a push hook for a repository, as a forge would. */
  push(repositoryUrl: string): Promise<void>;
  /** A counter or gauge of its own metrics, over all of its labels that match. */
  metric(name: string, labels?: string): Promise<number>;
  /** Nothing of it is ended in order. */
  kill(): Promise<void>;
  stop(): Promise<void>;
}

const ACCOUNT_DIR = '/run/secrets/kubernetes.io/serviceaccount';
/** As in the Containerfile, and NODE_OPTIONS of deploy/controller.yaml; a test keeps them equal. */
export const FLAGS = ['--max-semi-space-size=4', '--max-old-space-size=320'];
const PUSH_TOKEN = 'bench-push-token';

export const startEngine = async (options: {
  /** Where the bundles are. */
  dist: string;
  /** https://host:port of the API server. */
  server: string;
  /** token, ca.crt and namespace, as the kubelet would mount them. */
  account: string;
  stateDir: string;
  /** Beside what every engine has. */
  env?: Record<string, string>;
  /** Of its control group, as of the container. */
  memoryLimitBytes?: number;
  /** One of several replicas need not lead. */
  standby?: boolean;
}): Promise<Engine> => {
  const { dist, server, account, stateDir, env = {} } = options;
  const dir = join(stateDir, `engine-${randomUUID().slice(0, 8)}`);
  mkdirSync(join(dir, 'data'), { recursive: true });
  writeFileSync(join(dir, 'push-token'), PUSH_TOKEN);
  const { kustomize } = await ensurePrograms(['kustomize'], { log: () => {} });
  const [http = 0, records = 0, webhook = 0] = await freePorts(3);
  const log = openSync(join(dir, 'log'), 'a');
  const cgroup = createCgroup(`metricops-bench-${randomUUID().slice(0, 8)}`);
  const { hostname, port } = new URL(server);
  // As in a pod, where a kubeconfig and its library have no place: a mount namespace with the account in it.
  const script = 'mount -t tmpfs none /run && mkdir -p "$2" && cp "$1"/* "$2" && shift 2 && exec "$@"';
  const node = [process.execPath, ...FLAGS, '--enable-source-maps', join(dist, 'controller.js')];
  const child = spawn('unshare', ['--mount', 'sh', '-c', script, 'sh', account, ACCOUNT_DIR, ...node], {
    stdio: ['ignore', log, log],
    env: {
      PATH: process.env.PATH,
      KUBERNETES_SERVICE_HOST: hostname,
      KUBERNETES_SERVICE_PORT: port,
      POD_NAME: 'bench',
      METRICOPS_DATA_DIR: join(dir, 'data'),
      METRICOPS_KUSTOMIZE: kustomize,
      METRICOPS_PUSH_TOKEN_FILE: join(dir, 'push-token'),
      METRICOPS_HTTP_PORT: String(http),
      METRICOPS_RECORDS_PORT: String(records),
      METRICOPS_WEBHOOK_PORT: String(webhook),
      METRICOPS_PROBES_PORT: '0',
      ...env,
    },
  });
  closeSync(log);
  cgroup.add(child.pid ?? 0);
  if (options.memoryLimitBytes !== undefined) cgroup.limitMemory(options.memoryLimitBytes);
  const url = `http://127.0.0.1:${http}`;
  const metrics = async (): Promise<string> => (await fetch(`${url}/metrics`)).text();
  const logged = (): string => readFileSync(join(dir, 'log'), 'utf8');
  const begun = async (): Promise<number | undefined> =>
    options.standby ? ((await isServing(url)) ? Date.now() : undefined) : leadingSince(logged());
  const since = await waitFor('the controller to lead', begun, {
    timeoutMs: 60_000,
    failed: () => (child.exitCode === null ? undefined : 'it ended'),
    explain: () => logged().slice(-2000),
  });
  const end = async (signal: 'SIGTERM' | 'SIGKILL'): Promise<void> => {
    const exited = new Promise((resolve) => child.once('exit', resolve));
    if (child.exitCode === null && child.signalCode === null) {
      child.kill(signal);
      await exited;
    }
    cgroup.remove();
  };
  return {
    cgroup,
    since,
    ports: { http, records, webhook },
    log: () => logged().slice(-4000),
    ended: () =>
      child.exitCode === null && child.signalCode === null ? undefined : `${child.exitCode ?? child.signalCode}`,
    async push(repositoryUrl) {
      const answer = await fetch(`${url}/api/v1/push`, {
        method: 'POST',
        headers: { 'content-type': 'application/json', authorization: `Bearer ${PUSH_TOKEN}` },
        body: JSON.stringify({ repository: { clone_url: repositoryUrl } }),
      });
      if (!answer.ok) throw new Error(`the push hook was answered with ${answer.status}: ${await answer.text()}`);
    },
    async metric(name, labels = '') {
      const lines = (await metrics()).split('\n').filter((l) => l.startsWith(name) && l.includes(labels));
      return lines.reduce((sum, line) => sum + Number(line.slice(line.lastIndexOf(' '))), 0);
    },
    kill: () => end('SIGKILL'),
    stop: () => end('SIGTERM'),
  };
};

const isServing = (url: string): Promise<boolean> =>
  fetch(`${url}/metrics`).then(
    ({ ok }) => ok,
    () => false,
  );

const leadingSince = (log: string): number | undefined => {
  const line = log.split('\n').find((l) => l.includes('"leading"'));
  return line === undefined ? undefined : new Date((JSON.parse(line) as { time: string }).time).getTime();
};

const freePorts = async (count: number): Promise<number[]> => {
  const servers = Array.from({ length: count }, () => createServer().listen(0, '127.0.0.1'));
  await Promise.all(servers.map((server) => new Promise((resolve) => server.once('listening', resolve))));
  const ports = servers.map((server) => (server.address() as { port: number }).port);
  await Promise.all(servers.map((server) => new Promise((resolve) => server.close(resolve))));
  return ports;
};
