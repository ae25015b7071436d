import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';

const SHOP = join(import.meta.dirname, '../../../examples/shop/app/shop.ts');

/** What services stand on and no release changes: outside of the cluster, as a managed database is. */
export interface Database {
  /** As pods reach it. */
  url: string;
  /** From now on it fails this part of its requests. */
  fail(ratio: number): void;
  close(): Promise<void>;
}

/**
 * A process of its own: this one commits, polls and makes requests meanwhile, and would answer late.
 * @param host address of this machine, as pods reach it
 */
export const startDatabase = async (host: string): Promise<Database> => {
  const dir = mkdtempSync(join(tmpdir(), 'metricops-database-'));
  const file = join(dir, 'config.json');
  const fail: Database['fail'] = (failRatio) => {
    writeFileSync(`${file}.new`, JSON.stringify({ failRatio, latencyMs: 0 }));
    renameSync(`${file}.new`, file);
  };
  fail(0);
  const env = { ...process.env, SERVICE: 'database', PORT: '0', DRAIN_MS: '0', CONFIG_FILE: file };
  const child = spawn(process.execPath, [SHOP], { env, stdio: ['ignore', 'pipe', 'inherit'] });
  const ended = once(child, 'exit');
  const said = once(createInterface(child.stdout), 'line');
  const [line] = await Promise.race([said, ended]);
  const port = /listens on (\d+)$/.exec(String(line))?.[1];
  if (port === undefined) throw new Error(`the database did not start: ${String(line)}`);
  return {
    url: `http://${host}:${port}/`,
    fail,
    async close() {
      child.kill();
      await ended;
      rmSync(dir, { recursive: true });
    },
  };
};
