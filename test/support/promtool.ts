import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { ensureDebianPackages } from '../../tools/cluster/debian.ts';

/** Runs promtool in a folder with these files, as JSON, which is YAML. Resolves with what it printed, and its exit code. */
export const promtool = async (
  args: readonly string[],
  files: Record<string, unknown>,
): Promise<{ code: number; said: string }> => {
  await ensureDebianPackages(['prometheus'], (line) => process.stderr.write(`    ${line}\n`));
  const dir = mkdtempSync(join(tmpdir(), 'metricops-promtool-'));
  try {
    for (const [name, content] of Object.entries(files)) writeFileSync(join(dir, name), JSON.stringify(content));
    const { status, stdout, stderr } = spawnSync('promtool', args, { cwd: dir, encoding: 'utf8' });
    return { code: status ?? -1, said: stdout + stderr };
  } finally {
    rmSync(dir, { recursive: true, force: true });
  }
};
