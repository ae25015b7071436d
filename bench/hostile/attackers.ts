import { spawn } from 'node:child_process';
import { join } from 'node:path';
import { createCgroup } from '../sync/cgroup.ts';

/** What one attacker may use of the machine, and all of them together. */
const CORES_EACH = 0.25;
const CORES_ALL = 0.5;

/** What an attack needs to know of its victim, as the environment of its process. */
export interface Target {
  kubeconfig: string;
  /** Of both replicas. */
  ports: readonly { http: number; records: number; webhook: number }[];
  alertmanagerToken: string;
  /** Where it has its objects. */
  namespace: string;
}

export interface Attack {
  /** What the process says of itself, line by line. */
  said(): string[];
  stop(): Promise<void>;
}

export interface Attackers {
  /** Starts the attack of this name; resolves when it is under way. */
  start(name: string, target: Target): Promise<Attack>;
  /** Ends those that are still under way. */
  stop(): Promise<void>;
}

/** Attackers are processes in a control group of their own: what slows down the victim is what they ask of it. */
export const createAttackers = (): Attackers => {
  const all = createCgroup(`metricops-attackers-${process.pid}`);
  all.limitCpu(CORES_ALL);
  const running = new Set<() => Promise<void>>();
  return {
    async start(name, target) {
      const own = createCgroup(`metricops-attackers-${process.pid}/${name}`);
      own.limitCpu(CORES_EACH);
      const child = spawn(process.execPath, [join(import.meta.dirname, 'attack.ts'), name], {
        stdio: ['ignore', 'pipe', 'inherit'],
        env: { ...process.env, ATTACK_TARGET: JSON.stringify(target) },
      });
      const said: string[] = [];
      const underWay = new Promise<void>((resolve, reject) => {
        child.stdout.on('data', (chunk: Buffer) => {
          said.push(...chunk.toString().trim().split('\n'));
          resolve();
        });
        child.once('exit', (code) => reject(new Error(`the attack ${name} ended with ${code} before it began`)));
      });
      const stop = async (): Promise<void> => {
        running.delete(stop);
        child.kill('SIGKILL');
        await own.killAll();
        own.remove();
      };
      running.add(stop);
      await underWay;
      own.add(child.pid ?? 0); // what it prepared before is no part of the attack
      return { said: () => said, stop };
    },
    async stop() {
      for (const stop of running) await stop();
      all.remove();
    },
  };
};
