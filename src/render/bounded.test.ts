import assert from 'node:assert/strict';
import { tmpdir } from 'node:os';
import { describe, it } from 'mocha';
import { type Bounds, runBounded } from './bounded.ts';

const BOUNDS: Bounds = { memoryBytes: 2 ** 31, cpuSeconds: 10, outputBytes: 1000, wallMs: 10_000 };

const SETTINGS = { setting: 'METRICOPS_KUSTOMIZE', failure: 'KustomizeFailed' } as const;

const run = (script: string, bounds: Partial<Bounds> = {}) => {
  const program = { file: process.execPath, args: ['-e', script], cwd: tmpdir(), env: { GIVEN: 'yes' } };
  return runBounded({ ...program, ...SETTINGS }, { ...BOUNDS, ...bounds });
};

describe('a bounded program', () => {
  it('gives what it wrote, and sees nothing of our environment', async () => {
    const ended = await run('process.stdout.write(Object.keys(process.env).join())');
    assert.deepEqual(ended, { ok: true, stdout: 'GIVEN' });
  });

  it('fails with the last line of its complaints, cut to what a status shows', async () => {
    const ended = await run('console.error("first\\n" + "x".repeat(5000)); process.exit(1)');
    assert.ok(!ended.ok && ended.code === 'KustomizeFailed' && /^failed: x{1000}…$/.test(ended.why));
  });

  for (const [what, script, bounds, why] of [
    ['time', 'setInterval(() => {}, 1000)', { wallMs: 300 }, /^took longer than 0.3 s; split/],
    ['output', 'for (;;) process.stdout.write("x".repeat(100))', {}, /^wrote more than 0 MiB; split/],
    ['CPU time', 'for (;;);', { cpuSeconds: 1, wallMs: 100_000 }, /^took more than 1 s of CPU time; split/],
  ] as const) {
    it(`is ended when it exceeds its ${what}`, async () => {
      const ended = await run(script, bounds);
      assert.ok(!ended.ok && ended.code === 'ManifestTooLarge', JSON.stringify(ended));
      assert.match(ended.why, why);
    });
  }

  it('writes no file', async () => {
    const ended = await run('require("fs").writeFileSync("metricops-bounded-test", "x")');
    assert.ok(!ended.ok);
  });

  it('does not run where nothing can set its bounds', async function () {
    if (process.platform !== 'linux') this.skip();
    const path = process.env.PATH;
    process.env.PATH = '/nowhere';
    try {
      const ended = await run('1');
      assert.ok(!ended.ok && ended.code === 'RendererMissing' && /prlimit.*util-linux/.test(ended.why));
    } finally {
      process.env.PATH = path;
    }
  });

  it('that is not there is named', async () => {
    const program = { file: 'no-such-program', args: [], cwd: tmpdir(), env: {}, ...SETTINGS };
    const ended = await runBounded(program, BOUNDS);
    assert.ok(!ended.ok && ended.code === 'RendererMissing' && /no-such-program.*METRICOPS_KUSTOMIZE/.test(ended.why));
  });
}).timeout(120_000);
