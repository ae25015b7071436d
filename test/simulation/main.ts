import { parseArgs } from 'node:util';
import { simulateAll } from './pool.ts';
import type { Job } from './simulate.ts';
import { tableOf } from './table.ts';
import { missedTargets, reportOf } from './tally.ts';

/** `npm run simulate`: how often the verdict is right. */
const HELP = `Usage: npm run simulate [-- --incidents N] [-- --seed N] [-- --json] [-- --misses]

  --incidents N  incidents, of fifteen classes in equal shares (1500); a fourth as many again with the other noise
  --seed N       the same seed makes the same incidents (1)
  --json         prints the figures as JSON
  --misses       prints each incident that was not decided as it should have been, and why

Exit code 1: a target is missed. docs/simulation.md says what is simulated.
`;

const { values } = parseArgs({
  options: {
    incidents: { type: 'string', default: '1500' },
    seed: { type: 'string', default: '1' },
    json: { type: 'boolean', default: false },
    misses: { type: 'boolean', default: false },
    help: { type: 'boolean', short: 'h' },
  },
});
if (values.help) {
  process.stdout.write(HELP);
  process.exit(0);
}
const [seed, incidents] = [Number(values.seed), Number(values.incidents)];
if (!Number.isInteger(seed) || !Number.isInteger(incidents) || incidents < 1) {
  process.stderr.write(`--seed and --incidents take whole numbers\n\n${HELP}`);
  process.exit(2);
}

const A_JOB = 15;
const jobsOf = (noise: Job['noise'], count: number): Job[] =>
  Array.from({ length: Math.ceil(count / A_JOB) }, (_, i) => ({
    seed,
    noise,
    from: i * A_JOB,
    to: Math.min(count, (i + 1) * A_JOB),
  }));

let done = 0;
const begun = performance.now();
const onResults = (count: number): void => {
  const before = done;
  done += count;
  if (Math.floor(done / 150) > Math.floor(before / 150))
    process.stderr.write(`${done} incidents in ${Math.round((performance.now() - begun) / 1000)} s\n`);
};
const results = await simulateAll(jobsOf('independent', incidents), onResults);
const seconds = Math.round((performance.now() - begun) / 100) / 10;
const others = await simulateAll(jobsOf('bursty', Math.ceil(incidents / 4)), onResults);
const report = reportOf(results, others, seconds);
const missed = missedTargets(report);
process.stdout.write(values.json ? `${JSON.stringify(report, null, 2)}\n` : tableOf(report, missed));
if (values.misses)
  for (const one of results.filter((each) => !['right', 'leftAlone'].includes(each.outcome) && !each.unseeable))
    process.stderr.write(`${one.index} ${one.kind} ${one.outcome} effect ${one.effect.toPrecision(3)}\n${one.words}\n`);
process.exitCode = missed.length === 0 ? 0 : 1;
