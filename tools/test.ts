import { spawn } from 'node:child_process';
import { globSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { availableParallelism, freemem, tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { features, unproven } from './compare/index.ts';
import type { Totals } from './lib/reporter.ts';
import { sharesOf } from './lib/shares.ts';

/**
 * `npm test`: every layer that this machine can run, what it skips and why. Under CI=true a skip is a failure.
 * Layers run one after another: on two cores, side by side they would only measure each other. The files of a layer that
 * mostly waits run in two shares side by side, each with its own control plane.
 */
interface Layer {
  name: string;
  files: string[];
  /** Why this machine can't run it; undefined when it can. */
  missing: () => string | undefined;
  timeoutMs: number;
  /** How many processes share its files; one where nothing is said. */
  shares?: number;
}

const HELP = `Usage: npm test [-- LAYER ...] [-- --grep TEXT]

Layers: check, unit, explorer, integration, cluster, e2e. All of them by default.
  check        formatting, lint, types, the order of the rooms and links
  unit         no machine parts
  explorer     the states that a rollback can come to, on an API server in memory
  integration  kube-apiserver, etcd, controller manager; git over HTTP; Prometheus and Alertmanager
  cluster      the local cluster itself: starts, serves, and leaves the host as it was (root)
  e2e          a node with containers, the whole loop (root)
`;

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: { grep: { type: 'string' }, help: { type: 'boolean', short: 'h' } },
});
if (values.help) {
  process.stdout.write(HELP);
  process.exit(0);
}

/** Of what an API server, an etcd and the tests beside them take. */
const SHARE_BYTES = 4 * 2 ** 30;
const shares = availableParallelism() > 1 && freemem() > 2 * SHARE_BYTES ? 2 : 1;

const linux = (): string | undefined => (process.platform === 'linux' ? undefined : 'needs Linux');
const root = (): string | undefined => linux() ?? (process.getuid?.() === 0 ? undefined : 'needs root: sudo npm test');
const layers: Layer[] = [
  {
    name: 'unit',
    files: globSync('{src,webhook,sidecar,tools,examples,bench,test/simulation,test/fuzz}/**/*.test.ts'),
    missing: () => undefined,
    timeoutMs: 20_000,
  },
  { name: 'explorer', files: globSync('test/explorer/**/*.test.ts'), missing: () => undefined, timeoutMs: 900_000 },
  { name: 'integration', files: globSync('test/integration/**/*.test.ts'), missing: linux, timeoutMs: 120_000, shares },
  { name: 'cluster', files: globSync('test/cluster/**/*.test.ts'), missing: root, timeoutMs: 600_000 },
  { name: 'e2e', files: globSync('test/e2e/**/*.test.ts'), missing: root, timeoutMs: 900_000 },
];
const known = ['check', ...layers.map((l) => l.name)];
const unknown = positionals.find((p) => !known.includes(p));
if (unknown !== undefined) {
  process.stderr.write(`no layer "${unknown}"; there are ${known.join(', ')}\n`);
  process.exit(2);
}

const wanted = (name: string): boolean => positionals.length === 0 || positionals.includes(name);
const ci = process.env.CI === 'true';
const say = (line: string): void => void process.stdout.write(`${line}\n`);

/** @param quiet what it prints is kept until it has ended: two of them at once could not be read */
const run = (command: string, args: string[], { env = process.env, quiet = false } = {}): Promise<number> =>
  new Promise((resolve) => {
    const child = spawn(command, args, { stdio: quiet ? ['ignore', 'pipe', 'pipe'] : 'inherit', env });
    const printed: Buffer[] = [];
    for (const stream of [child.stdout, child.stderr]) stream?.on('data', (chunk: Buffer) => printed.push(chunk));
    child.once('error', () => resolve(127));
    child.once('close', (code) => {
      for (const chunk of printed) process.stdout.write(chunk);
      resolve(code ?? 1);
    });
  });

const scratch = mkdtempSync(join(tmpdir(), 'metricops-test-'));
const sum: Totals = { passed: 0, failed: 0, pending: 0, skipped: [], failures: [], passes: [] };
const skippedLayers: string[] = [];
const ran = new Set<string>();

if (wanted('check') && values.grep === undefined) {
  say('\n== check');
  for (const [command, args] of [
    ['biome', ['check']],
    ['tsc', ['-p', '.']],
    [process.execPath, ['tools/rooms/main.ts']],
    [process.execPath, ['tools/links/main.ts']],
  ] as const) {
    if ((await run(command, [...args])) === 0) {
      sum.passed += 1;
      continue;
    }
    sum.failed += 1;
    sum.failures.push(`check: ${[command, ...args].join(' ')}`);
  }
}

for (const layer of layers.filter((l) => wanted(l.name) && l.files.length > 0)) {
  const missing = layer.missing();
  if (missing !== undefined) {
    skippedLayers.push(`${layer.name}: ${missing}`);
    continue;
  }
  const started = Date.now();
  say(`\n== ${layer.name} (${layer.files.length} files)`);
  const all = await Promise.all(
    sharesOf(layer.files, layer.shares ?? 1, sizeOf).map((files, i) => runShare(layer, files, i)),
  );
  const totals = all.reduce(together);
  sum.passed += totals.passed;
  sum.failed += totals.failed;
  sum.pending += totals.pending;
  sum.skipped.push(...totals.skipped);
  sum.failures.push(...totals.failures.map((title) => `${layer.name}: ${title}`));
  sum.passes.push(...totals.passes);
  for (const file of layer.files) ran.add(file);
  say(
    `== ${layer.name}: ${totals.passed} passed, ${totals.failed} failed, ${Math.round((Date.now() - started) / 1000)} s`,
  );
}

/** Longer files have more tests. */
function sizeOf(file: string): number {
  return statSync(file).size;
}

async function runShare({ name, timeoutMs }: Layer, files: string[], share: number): Promise<Totals> {
  const report = join(scratch, `${name}-${share}.json`);
  const args = ['--reporter', 'tools/lib/reporter.ts', '--timeout', String(timeoutMs), '--exit'];
  if (values.grep !== undefined) args.push('--grep', values.grep);
  const env = { ...process.env, METRICOPS_REPORT: report };
  const status = await run('mocha', [...args, ...files], { env, quiet: share > 0 });
  const totals = readTotals(report);
  // It died before it could count.
  return status !== 0 && totals.failed === 0 ? { ...totals, failed: 1 } : totals;
}

function together(a: Totals, b: Totals): Totals {
  return {
    passed: a.passed + b.passed,
    failed: a.failed + b.failed,
    pending: a.pending + b.pending,
    skipped: [...a.skipped, ...b.skipped],
    failures: [...a.failures, ...b.failures],
    passes: [...a.passes, ...b.passes],
  };
}

/** No report means that Mocha itself did not come to its end. */
function readTotals(file: string): Totals {
  try {
    return JSON.parse(readFileSync(file, 'utf8')) as Totals;
  } catch {
    return {
      passed: 0,
      failed: 1,
      pending: 0,
      skipped: [],
      failures: ['no report: Mocha did not come to its end'],
      passes: [],
    };
  }
}

rmSync(scratch, { recursive: true });
if (values.grep === undefined) {
  const everything = positionals.length === 0 && skippedLayers.length === 0;
  for (const { feature, mark, test } of unproven(features, sum.passes, everything ? undefined : ran)) {
    sum.failed += 1;
    say(`docs/compare.md says "${mark}" to "${feature}", but no test passed as ${test.file} "${test.title}"`);
  }
}
for (const title of sum.failures) say(`failed ${title}`);
for (const layer of skippedLayers) say(`skipped layer ${layer}`);
for (const title of sum.skipped) say(`skipped test ${title}`);
if (ci) sum.failed += skippedLayers.length + sum.skipped.length;
const line = `${sum.passed} passed, ${sum.failed} failed`;
const summary = process.env.METRICOPS_TEST_SUMMARY;
if (summary !== undefined) writeFileSync(summary, `${line}\n`);
say(line);
process.exitCode = sum.failed === 0 ? 0 : 1;
