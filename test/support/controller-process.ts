import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { dump, load } from 'js-yaml';
import { SYSTEM_NAMESPACE } from '../../src/api/annotations.ts';
import type { KubeClient } from '../../src/kube/index.ts';
import { ensurePrograms } from '../../tools/cluster/build.ts';
import { endProcess, startTimeOf } from '../../tools/cluster/processes.ts';
import { eventually } from './poll.ts';

const ROOT = join(import.meta.dirname, '../..');
const TOKEN = 'what-alertmanager-shows';

/** The whole controller, as src/main.ts composes it. */
export interface ControllerProcess {
  /** Posts a delivery as Alertmanager does; resolves with the HTTP status. */
  deliver(...alerts: object[]): Promise<number>;
  logged(): string;
  stop(): Promise<void>;
}

/** Starts it with the rights of whom the kubeconfig names, and resolves when it leads. */
export const startControllerProcess = async (kubeconfig: string): Promise<ControllerProcess> => {
  const dir = mkdtempSync(join(tmpdir(), 'metricops-controller-'));
  const { kustomize, helm } = await ensurePrograms(['kustomize', 'helm'], { log: () => {} });
  const tokenFile = join(dir, 'token');
  writeFileSync(tokenFile, TOKEN);
  mkdirSync(join(dir, 'data'));
  const ports = ['HTTP', 'RECORDS', 'PROBES', 'WEBHOOK'].map((name) => [`METRICOPS_${name}_PORT`, '0']);
  const child = spawn(process.execPath, ['src/main.ts'], {
    cwd: ROOT,
    stdio: ['ignore', 'pipe', 'pipe'],
    env: {
      PATH: process.env.PATH,
      HOME: dir,
      KUBECONFIG: kubeconfig,
      METRICOPS_DATA_DIR: join(dir, 'data'),
      METRICOPS_KUSTOMIZE: kustomize,
      METRICOPS_HELM: helm,
      METRICOPS_ALERTMANAGER_TOKEN_FILE: tokenFile,
      ...Object.fromEntries(ports),
    },
  });
  const { pid = 0 } = child;
  const running = { pid, startTime: startTimeOf(pid) };
  const end = (): void => void child.kill('SIGKILL');
  process.once('exit', end);
  const lines: string[] = [];
  for (const stream of [child.stdout, child.stderr]) stream.on('data', (chunk: Buffer) => lines.push(String(chunk)));
  const exited = once(child, 'exit');
  const logged = (): string => lines.join('');
  const found = (pattern: RegExp): Promise<RegExpExecArray> =>
    eventually(
      () => {
        assertRuns(child.exitCode, logged);
        return pattern.exec(logged());
      },
      { what: `${pattern} in the log of the controller`, timeoutMs: 60_000 },
    );
  const stop = async (): Promise<void> => {
    process.off('exit', end);
    await endProcess(running, 20_000);
    await exited;
    rmSync(dir, { recursive: true, force: true });
  };
  try {
    const [, port] = await found(/"httpPort":(\d+)/);
    await found(/"msg":"leading"/);
    return {
      async deliver(...alerts) {
        const answer = await fetch(`http://127.0.0.1:${port}/api/v1/alerts`, {
          method: 'POST',
          headers: { 'content-type': 'application/json', authorization: `Bearer ${TOKEN}` },
          body: JSON.stringify({ version: '4', receiver: 'metricops', alerts }),
        });
        await answer.arrayBuffer();
        return answer.status;
      },
      logged,
      stop,
    };
  } catch (error) {
    await stop();
    throw error;
  }
};

const assertRuns = (exitCode: number | null, logged: () => string): void => {
  if (exitCode !== null) throw new Error(`the controller ended with ${exitCode}:\n${logged().slice(-4000)}`);
};

/**
 * A kubeconfig of the controller's own ServiceAccount: it may do what the installation lets it, and no more.
 * @param kubeconfig of the administrator
 * @returns its path, beside that one
 */
export const kubeconfigOfController = async (client: KubeClient, kubeconfig: string): Promise<string> => {
  const path = `/api/v1/namespaces/${SYSTEM_NAMESPACE}/serviceaccounts/metricops/token`;
  const request = { apiVersion: 'authentication.k8s.io/v1', kind: 'TokenRequest', spec: { expirationSeconds: 3600 } };
  const { status } = (await client.raw('POST', path, request)) as { status: { token: string } };
  const config = load(readFileSync(kubeconfig, 'utf8')) as { users: { name: string; user: object }[] };
  const users = config.users.map(({ name }) => ({ name, user: { token: status.token } }));
  const file = join(dirname(kubeconfig), 'controller.kubeconfig');
  writeFileSync(file, dump({ ...config, users }), { mode: 0o600 });
  return file;
};
