import { spawn } from 'node:child_process';
import { closeSync, mkdtempSync, openSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { SYSTEM_NAMESPACE } from '../../src/api/annotations.ts';
import { waitFor } from '../cluster/wait.ts';
import type { Plane } from './plane.ts';

/** metricops itself, in a process of its own. */
export interface Controller {
  /** Another process, which has read everything again. */
  restart(): Promise<void>;
  stop(): Promise<void>;
}

const ROOT = join(import.meta.dirname, '../..');

export const startController = async (
  plane: Plane,
  programs: { kustomize: string; helm: string },
): Promise<Controller> => {
  await plane.namespace(SYSTEM_NAMESPACE);
  let running = await start(plane, programs);
  return {
    async restart() {
      await running.stop();
      running = await start(plane, programs);
    },
    stop: () => running.stop(),
  };
};

const start = async ({ kubeconfig }: Plane, { kustomize, helm }: { kustomize: string; helm: string }) => {
  const dir = mkdtempSync(join(tmpdir(), 'metricops-real-'));
  const out = openSync(join(dir, 'log'), 'a');
  const ports = ['HTTP', 'RECORDS', 'PROBES', 'WEBHOOK'].map((name) => [`METRICOPS_${name}_PORT`, '0']);
  const child = spawn(process.execPath, [join(ROOT, 'src/main.ts')], {
    stdio: ['ignore', out, out],
    env: {
      PATH: process.env.PATH,
      TMPDIR: tmpdir(),
      KUBECONFIG: kubeconfig,
      POD_NAME: 'real',
      METRICOPS_DATA_DIR: dir,
      METRICOPS_KUSTOMIZE: kustomize,
      METRICOPS_HELM: helm,
      ...Object.fromEntries(ports),
    },
  });
  closeSync(out);
  const isGone = (): boolean => child.exitCode !== null || child.signalCode !== null;
  const exited = new Promise<void>((resolve) => child.once('exit', () => resolve()));
  const killed = (): void => void child.kill('SIGKILL');
  process.once('exit', killed);
  const stop = async (): Promise<void> => {
    if (!isGone()) child.kill('SIGTERM');
    await exited;
    process.off('exit', killed);
    rmSync(dir, { recursive: true, force: true });
  };
  const log = (): string => readFileSync(join(dir, 'log'), 'utf8');
  await waitFor('metricops to lead', async () => (log().includes('"leading"') ? true : undefined), {
    timeoutMs: 300_000,
    failed: () => (isGone() ? 'it ended' : undefined),
    explain: () => log().slice(-2000),
  }).catch(async (error: unknown) => {
    await stop();
    throw error;
  });
  return { stop };
};
