import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { loadAll } from 'js-yaml';
import type { KubeObject } from '../../src/api/meta.ts';
import { ensurePrograms } from '../../tools/cluster/build.ts';

export const CHART = join(import.meta.dirname, '../../charts/metricops');

/** Without a cluster, a helm that is built from its module takes the oldest Kubernetes that it knows. */
export const KUBERNETES = ['--kube-version', '1.34.0'];

export interface Helm {
  /** Resolves what it prints; fails with what it says. */
  run(...args: string[]): string;
  /** The objects of `helm template` with these flags. */
  template(...flags: string[]): KubeObject[];
  /** What it says where it refuses. */
  refusal(...args: string[]): string;
}

/** The real helm, without the settings and the cluster of whoever runs the tests. */
export const openHelm = async (kubeconfig = '/nonexistent'): Promise<Helm> => {
  const { helm } = await ensurePrograms(['helm'], { log: (line) => void process.stderr.write(`    ${line}\n`) });
  const home = mkdtempSync(join(tmpdir(), 'metricops-helm-'));
  process.once('exit', () => rmSync(home, { recursive: true, force: true }));
  const env = { PATH: process.env.PATH, HOME: home, KUBECONFIG: kubeconfig };
  const spawn = (args: readonly string[]) => spawnSync(helm, args, { encoding: 'utf8', env, maxBuffer: 64 << 20 });
  const run = (...args: string[]): string => {
    const { status, stdout, stderr } = spawn(args);
    if (status !== 0) throw new Error(`helm ${args.join(' ')}: ${stderr}`);
    return stdout;
  };
  return {
    run,
    template: (...flags) =>
      (loadAll(run('template', 'metricops', CHART, ...KUBERNETES, ...flags)) as (KubeObject | null)[]).filter(
        (object) => object !== null,
      ),
    refusal(...args) {
      const { status, stdout, stderr } = spawn(args);
      if (status === 0) throw new Error(`helm ${args.join(' ')} was not refused: ${stdout}`);
      return stderr;
    },
  };
};
