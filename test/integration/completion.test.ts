import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, it } from 'mocha';
import { ensureDebianPackages } from '../../tools/cluster/debian.ts';
import { runCli } from '../support/cli.ts';

describe('a completion script', () => {
  for (const shell of ['bash', 'zsh', 'fish'])
    it(`is read by ${shell}`, async function () {
      this.timeout(300_000);
      await ensureDebianPackages([shell], (line) => process.stderr.write(`    ${line}\n`));
      const { code, out } = await runCli('/nonexistent', ['completion', shell]);
      assert.equal(code, 0);
      const dir = mkdtempSync(join(tmpdir(), 'metricops-completion-'));
      try {
        const file = join(dir, `metricops.${shell}`);
        writeFileSync(file, out);
        const { status, stderr } = spawnSync(shell, ['-n', file], { encoding: 'utf8' });
        assert.equal(status, 0, stderr);
      } finally {
        rmSync(dir, { recursive: true });
      }
    });
});
