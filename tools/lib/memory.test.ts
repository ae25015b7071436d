import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, it } from 'mocha';
import { FLAGS } from '../../bench/sync/engine.ts';
import { CHART_LIMITS } from '../../src/charts/limits.ts';
import { defaultLimits } from '../../src/git/limits.ts';
import { fullAllowance } from '../../src/render/helm/archive.ts';
import { RENDERS } from '../../src/render/index.ts';
import { memoryRows, readSizing, sumOf } from './memory.ts';

const ROOT = join(import.meta.dirname, '../..');
const read = (path: string): string => readFileSync(join(ROOT, path), 'utf8');
const MiB = 1024 * 1024;

describe("the controller's container", () => {
  const sizing = readSizing(read('deploy/controller.yaml'), read('Containerfile'));

  it('has room for all that its parts may take at a time', () => {
    const worst = sumOf(memoryRows(sizing), 'worst');
    assert.ok(worst <= sizing.limit, `${worst} MiB do not fit into ${sizing.limit}`);
  });

  it('does not fit any more when one of them gets more', () => {
    const more = sumOf(memoryRows({ ...sizing, old: sizing.old + 64 }), 'worst');
    assert.ok(more > sizing.limit);
  });

  it('has disk for the mirrors with the fetches under way, and for the copies of kustomize and Helm', () => {
    const { mirrorsBytes, fetches, fetchBytes, writtenBytes } = defaultLimits;
    assert.ok((mirrorsBytes + fetches * fetchBytes + CHART_LIMITS.storedBytes) / MiB <= sizing.data);
    assert.ok((RENDERS.large.slots * (writtenBytes + fullAllowance().bytes)) / MiB <= sizing.tmp);
  });

  it('is measured by the benches with the flags that it has', () => {
    assert.deepEqual(FLAGS, [`--max-semi-space-size=${sizing.semi}`, `--max-old-space-size=${sizing.old}`]);
  });
});
