import { parseArgs } from 'node:util';
import type { Found } from './explore.ts';
import { searchAll } from './pool.ts';
import { scenarios } from './scenario.ts';
import { sumOf, wordsOf } from './words.ts';

/** `npm run explore`: the states in which the controller can be, and what must hold in each of them. */
const HELP = `Usage: npm run explore [-- --states N] [-- --seed N] [-- --json] [-- --go-on]

  --states N  distinct states, of all scenarios together (1000000)
  --seed N    chooses the states from which a run without faults is asked how it ends (0)
  --go-on     goes on after a violation, and tells the first of each kind
  --json      prints the result as JSON

docs/decisions/0040 says what is explored, and what is not.
`;

const { values } = parseArgs({
  options: {
    states: { type: 'string', default: '1000000' },
    seed: { type: 'string', default: '0' },
    'go-on': { type: 'boolean', default: false },
    json: { type: 'boolean', default: false },
    help: { type: 'boolean', short: 'h' },
  },
});
if (values.help) {
  process.stdout.write(HELP);
  process.exit(0);
}

const [states, seed] = [Number(values.states), Number(values.seed)];
const latest = new Map<string, Found>();
let told = 0;
const onProgress = (found: Found): void => {
  latest.set(found.scenario, found);
  const sum = sumOf([...latest.values()], 'states');
  if (sum < told + 10_000) return;
  told = sum;
  process.stderr.write(`${sum} states, ${sumOf([...latest.values()], 'moves')} moves\n`);
};
const jobs = scenarios.map((scenario) => ({
  search: { scenario, states: Math.ceil(states / scenarios.length), endEvery: 50, seed, goOn: values['go-on'] },
  edits: [],
}));
const found = await searchAll(jobs, onProgress);
const violations = found.flatMap((one) => one.violations);
if (values.json) {
  const sums = { states: sumOf(found, 'states'), moves: sumOf(found, 'moves'), endings: sumOf(found, 'endings') };
  process.stdout.write(`${JSON.stringify({ ...sums, violations, scenarios: found }, null, 2)}\n`);
} else {
  const sums = `${sumOf(found, 'states')} states, ${sumOf(found, 'moves')} moves, ${sumOf(found, 'endings')} endings`;
  process.stdout.write(`${wordsOf(found)}\n${sums}: ${violations.length} violations\n`);
}
process.exitCode = violations.length === 0 ? 0 : 1;
