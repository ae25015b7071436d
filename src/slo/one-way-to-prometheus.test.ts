import assert from 'node:assert/strict';
import { globSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, it } from 'mocha';

const ROOT = join(import.meta.dirname, '../..');

describe('Prometheus', () => {
  it('is asked through the queue alone: only the composition root makes a client, and hands out the queue', () => {
    const users = globSync('{src,webhook,sidecar}/**/*.ts', { cwd: ROOT })
      .filter((path) => !path.endsWith('.test.ts') && !path.startsWith('src/slo/'))
      .filter((path) => /createPrometheus|\/api\/v1\/(query|rules)/.test(readFileSync(join(ROOT, path), 'utf8')));
    assert.deepEqual(users, ['src/main.ts']);
  });
});
