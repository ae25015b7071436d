import assert from 'node:assert/strict';
import { tmpdir } from 'node:os';
import { describe, it } from 'mocha';
import { type Bounds, failsWith, type Program, runBounded } from './bounded.ts';

const BOUNDS: Bounds = { memoryBytes: 2 ** 31, cpuSeconds: 10, outputBytes: 1000, wallMs: 10_000 };

const NODE: Program = {
  file: process.execPath,
  setting: 'METRICOPS_NODE',
  args: [],
  cwd: tmpdir(),
  env: { GIVEN: 'yes' },
  failed: failsWith('KustomizeFailed', (complaints) => complaints.trim().split('\n').at(-1) ?? ''),
};

const run = (script: string, bounds: Partial<Bounds> = {}) => {
  return runBounded({ ...NODE, args: ['-e', script] }, { ...BOUNDS, ...bounds });
};

describe('a bounded program', () => {
  it('gives what it wrote, and sees nothing of our environment', async () => {
    const ended = await run('process.stdout.write(Object.keys(process.env).join())');
    assert.deepEqual(ended, { ok: true, stdout: 'GIVEN' });
  });

  it('reads what it is given, and an end where that is nothing', async () => {
    const copy = { ...NODE, args: ['-e', 'process.stdin.pipe(process.stdout)'] };
    const given = 'x'.repeat(900);
    assert.deepEqual(await runBounded({ ...copy, input: given }, BOUNDS), { ok: true, stdout: given });
    assert.deepEqual(await runBounded(copy, BOUNDS), { ok: true, stdout: '' });
  });

  it('may end before it has read what it is given', async () => {
    const deaf = { ...NODE, args: ['-e', 'process.exit(0)'], input: 'x'.repeat(10_000_000) };
    assert.deepEqual(await runBounded(deaf, BOUNDS), { ok: true, stdout: '' });
  });

  it('fails as its caller words its complaints', async () => {
    const ended = await run('console.error("first"); process.exit(1)');
    assert.deepEqual(ended, { ok: false, code: 'KustomizeFailed', why: 'failed: first' });
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
    const ended = await runBounded({ ...NODE, file: 'no-such-program' }, BOUNDS);
    assert.ok(!ended.ok && ended.code === 'RendererMissing' && /no-such-program.*METRICOPS_NODE/.test(ended.why));
  });
}).timeout(120_000);
