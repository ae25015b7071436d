import { parseArgs } from 'node:util';
import { type Given, InputError } from './given/given.ts';
import { readRecordings } from './given/recordings.ts';
import { readScenarios } from './given/scenarios.ts';
import { type Tried, tableOfTried, tryOut } from './given/try.ts';
import { simulateAll } from './pool.ts';
import type { Job } from './simulate.ts';
import { tableOf } from './table.ts';
import { missedTargets, reportOf } from './tally.ts';

/** `npm run simulate`: how often the verdict is right. */
const HELP = `Usage: npm run simulate [-- --incidents N] [-- --seed N] [-- --json] [-- --misses]
       npm run simulate -- --scenarios DIR [--recorded DIR] [--seed N] [--json]

  --incidents N    incidents, of fifteen classes in equal shares (1500); a fourth as many again with the other noise
  --scenarios DIR  instead of these, incidents that somebody described: a .json file each
  --recorded DIR   instead of these, incidents that somebody recorded: a folder each
  --seed N         the same seed makes the same incidents (1)
  --json           prints the figures as JSON
  --misses         prints each incident that was not decided as it should have been, and why

Exit code 1: a target is missed, or an incident of DIR is decided wrongly. 2: the input is wrong.
docs/simulation.md says what is simulated, and how scenarios and recordings are written.
`;

const { values } = parseArgs({
  options: {
    incidents: { type: 'string', default: '1500' },
    scenarios: { type: 'string' },
    recorded: { type: 'string' },
    seed: { type: 'string', default: '1' },
    json: { type: 'boolean', default: false },
    misses: { type: 'boolean', default: false },
    help: { type: 'boolean', short: 'h' },
  },
});
const [seed, incidents] = [Number(values.seed), Number(values.incidents)];

/** Incidents of fifteen classes; whether all targets are met. */
const simulateClasses = async (): Promise<boolean> => {
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
      process.stderr.write(
        `${one.index} ${one.kind} ${one.outcome} effect ${one.effect.toPrecision(3)}\n${one.words}\n`,
      );
  return missed.length === 0;
};

const A_JOB = 15;
const jobsOf = (noise: Job['noise'], count: number): Job[] =>
  Array.from({ length: Math.ceil(count / A_JOB) }, (_, i) => ({
    seed,
    noise,
    from: i * A_JOB,
    to: Math.min(count, (i + 1) * A_JOB),
  }));

/** Incidents that somebody gave; whether all were decided as they should be. */
const tryGiven = async (all: readonly Given[]): Promise<boolean> => {
  const tried: Tried[] = [];
  for (const given of all) tried.push(await tryOut(given, seed));
  const right = tried.filter((one) => one.right).length;
  const report = { n: tried.length, right, wrong: tried.length - right, incidents: tried };
  process.stdout.write(values.json ? `${JSON.stringify(report, null, 2)}\n` : tableOfTried(tried));
  return right === tried.length;
};

const main = async (): Promise<number> => {
  if (values.help) {
    process.stdout.write(HELP);
    return 0;
  }
  if (!Number.isInteger(seed) || !Number.isInteger(incidents) || incidents < 1)
    throw new InputError('--seed and --incidents take whole numbers');
  const given = [
    ...(values.scenarios === undefined ? [] : readScenarios(values.scenarios)),
    ...(values.recorded === undefined ? [] : readRecordings(values.recorded)),
  ];
  return (await (given.length > 0 ? tryGiven(given) : simulateClasses())) ? 0 : 1;
};

process.exitCode = await main().catch((error: unknown) => {
  if (!(error instanceof InputError)) throw error;
  process.stderr.write(`${error.message}\n\nnpm run simulate -- --help says what it takes\n`);
  return 2;
});
