import { readFileSync } from 'node:fs';
import { join, relative } from 'node:path';
import { parseArgs } from 'node:util';
import { MODULES } from './modules.ts';
import { type Mutant, mutate } from './run.ts';
import { describe, isSurvivor, type Score, scoreOf } from './score.ts';

const TARGET = 90;
const ROOT = join(import.meta.dirname, '../..');

const HELP = `Usage: npm run mutation -- [--only MODULE]... [--json]

Changes the code that decides, mutant by mutant, and counts those that a unit test notices.
Exits with 1 where that is less than ${TARGET} %.

  --only MODULE  ${MODULES.map(({ name }) => name).join(', ')}
  --json         the figures alone, on stdout: score, mutants, survived, ignored, of all and of each module
`;

const { values } = parseArgs({
  options: {
    only: { type: 'string', multiple: true },
    json: { type: 'boolean' },
    help: { type: 'boolean', short: 'h' },
  },
});
const { only = MODULES.map(({ name }) => name) } = values;
const unknown = only.find((name) => !MODULES.some((module) => module.name === name));
if (values.help || unknown !== undefined) {
  process.stdout.write(unknown === undefined ? HELP : `no module "${unknown}"\n\n${HELP}`);
  process.exit(unknown === undefined ? 0 : 2);
}

process.chdir(ROOT);
const say = (line: string): void => void process.stderr.write(`${line}\n`);
const print = (lines: readonly string[]): void => {
  for (const line of lines) process.stdout.write(`${line}\n`);
};
const cells = (name: string, figures: readonly string[]): string =>
  [name.padEnd(12), ...figures.map((figure) => figure.padStart(10))].join('');
const HEAD = cells('module', ['score', 'mutants', 'survived', 'ignored']);
const rowOf = (name: string, { score, mutants, survived, ignored }: Score): string =>
  cells(name, [`${score.toFixed(2)} %`, `${mutants}`, `${survived}`, `${ignored}`]);

const survivorsOf = (mutants: readonly Mutant[]): string[] =>
  mutants
    .filter(isSurvivor)
    .map((mutant) =>
      describe({ ...mutant, fileName: relative(ROOT, mutant.fileName) }, readFileSync(mutant.fileName, 'utf8')),
    );

const all: Mutant[] = [];
const modules: ({ name: string } & Score)[] = [];
for (const module of MODULES.filter(({ name }) => only.includes(name))) {
  const started = Date.now();
  const mutants = await mutate(module).catch((error: unknown) => {
    say(`${module.name}: ${error instanceof Error ? error.message : String(error)}`);
    process.exit(1);
  });
  all.push(...mutants);
  const score = scoreOf(mutants);
  modules.push({ name: module.name, ...score });
  say(`${module.name}: ${score.score} % of ${score.mutants}, in ${Math.round((Date.now() - started) / 1000)} s`);
  if (!values.json) print(survivorsOf(mutants));
}

const total = scoreOf(all);
if (values.json) print([JSON.stringify({ ...total, target: TARGET, modules }, null, 2)]);
else print(['', HEAD, ...modules.map((module) => rowOf(module.name, module)), rowOf('all', total)]);
process.exitCode = total.score >= TARGET ? 0 : 1;
