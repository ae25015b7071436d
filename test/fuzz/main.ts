import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { allProperties } from './properties.ts';

/** `npm run fuzz`: every parser of ours, given what nobody should write. */
const HELP = `Usage: npm run fuzz [-- --runs N] [-- --seed N] [-- --only TEXT] [-- --json]

  --runs N     inputs of each parser (100000)
  --seed N     the same seed makes the same inputs; a new one each time by default
  --only TEXT  only parsers with this in their name
  --json       prints the result as JSON

Exit code 1: a parser failed otherwise than in its own words; the smallest input for which it does, and its seed, are
printed. 2: nothing to run.
`;

const { values } = parseArgs({
  options: {
    runs: { type: 'string', default: '100000' },
    seed: { type: 'string' },
    only: { type: 'string', default: '' },
    json: { type: 'boolean', default: false },
    help: { type: 'boolean', short: 'h' },
  },
});
if (values.help) {
  process.stdout.write(HELP);
  process.exit(0);
}

const dir = mkdtempSync(join(tmpdir(), 'metricops-fuzz-'));
process.once('exit', () => rmSync(dir, { recursive: true, force: true }));
const chosen = allProperties(dir).filter(({ name }) => name.includes(values.only));
const [runs, seed] = [Number(values.runs), values.seed === undefined ? undefined : Number(values.seed)];
if (chosen.length === 0 || !(runs >= 1) || Number.isNaN(seed)) {
  process.stderr.write(chosen.length === 0 ? `no parser has "${values.only}" in its name\n` : HELP);
  process.exit(2);
}

const results: { name: string; runs: number; seconds: number; failure?: string }[] = [];
for (const { name, check } of chosen) {
  const begun = performance.now();
  const failure = await check({ runs, seed }).then(
    () => undefined,
    (error: unknown) => (error instanceof Error ? error.message : String(error)),
  );
  const seconds = Number(((performance.now() - begun) / 1000).toFixed(1));
  results.push({ name, runs, seconds, ...(failure === undefined ? {} : { failure }) });
  if (values.json) continue;
  process.stdout.write(`${failure === undefined ? 'ok    ' : 'FAILED'} ${`${seconds} s`.padStart(8)}  ${name}\n`);
  if (failure !== undefined) process.stdout.write(`${failure}\n`);
}
const failed = results.filter(({ failure }) => failure !== undefined).length;
process.stdout.write(
  values.json
    ? `${JSON.stringify({ failed, results }, null, 2)}\n`
    : `${results.length} parsers, ${runs} inputs each, ${failed} failed\n`,
);
process.exitCode = failed === 0 ? 0 : 1;
