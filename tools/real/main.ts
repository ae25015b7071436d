import { existsSync, readdirSync, readFileSync, statSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { parseArgs } from 'node:util';
import type { KubeObject } from '../../src/api/meta.ts';
import { ensurePrograms } from '../cluster/build.ts';
import { startController } from './controller.ts';
import { objectsIn } from './manifests.ts';
import { linesOf, type Outcome, summaryLine, summaryOf } from './outcome.ts';
import { ownKinds, serveKinds, startPlane } from './plane.ts';
import { type Bench, createBench, tryFolder } from './try-folder.ts';

const HELP = `Usage: npm run real -- DIR... [--crds DIR]... [--only REGEXP] [--json]

Syncs every folder of manifests, every kustomization and every Helm chart below DIR to a real API server, and compares
each object with what kubectl apply --server-side makes of it, or of what kustomize build or helm template writes, in
another control plane. A chart is a case with its own values, and one with each of the values in its folder ci/.

  --crds DIR     definitions that both clusters serve from the beginning: every one in a file below DIR
  --only REGEXP  only folders whose path matches this regular expression
  --json         prints all outcomes as JSON

A line a case:
  same     every object is the same in both clusters, or neither API server took it
  refused  neither makes an object of it; the words are those of kubectl, kustomize or Helm
  listed   metricops refuses it on purpose: docs/real-repositories.md says why
  skipped  it can't be built from what is in the folder
  differs  a defect: what differs stands below

Exit code 1: a case differs. 2: the input is wrong.
`;

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    crds: { type: 'string', multiple: true, default: [] },
    only: { type: 'string', default: '.' },
    json: { type: 'boolean', default: false },
    help: { type: 'boolean', short: 'h', default: false },
  },
});
const say = (line: string): void => void process.stderr.write(`${line}\n`);

/** Ends with these words. */
class InputError extends Error {}

const folders = (paths: readonly string[]): string[] =>
  paths.map((path) => {
    const dir = resolve(path);
    if (!existsSync(dir) || !statSync(dir).isDirectory()) throw new InputError(`there is no folder ${path}`);
    return dir;
  });

const definitionsBelow = (dir: string): KubeObject[] => {
  const files = readdirSync(dir, { recursive: true, encoding: 'utf8' }).filter((file) => /\.ya?ml$/.test(file));
  const texts = files.map((file) => readFileSync(join(dir, file), 'utf8'));
  return texts
    .filter((text) => !text.includes('{{'))
    .flatMap(objectsIn)
    .filter(({ kind }) => kind === 'CustomResourceDefinition');
};

const withBench = async <R>(crds: readonly string[], work: (bench: Bench) => Promise<R>): Promise<R> => {
  const programs = await ensurePrograms(['kustomize', 'helm'], { log: say });
  const kinds = [...ownKinds(), ...crds.flatMap(definitionsBelow)];
  const ends: (() => Promise<void>)[] = [];
  const endAll = async (): Promise<void> => {
    for (const end of ends.splice(0)) await end();
  };
  for (const signal of ['SIGINT', 'SIGTERM'] as const)
    process.once(signal, () => void endAll().finally(() => process.exit(130)));
  try {
    const planes: Awaited<ReturnType<typeof startPlane>>[] = [];
    for (const side of ['ours', 'theirs']) {
      const plane = await startPlane(`real-${side}-${process.pid}`, () => {});
      ends.unshift(plane.close);
      await serveKinds(plane, kinds);
      planes.push(plane);
    }
    const [ours, theirs] = planes;
    if (!ours || !theirs) throw new TypeError('two control planes');
    const controller = await startController(ours, programs);
    ends.unshift(controller.stop);
    const bench = await createBench({ ours, theirs, controller, programs, kinds });
    ends.unshift(bench.git.close);
    return await work(bench);
  } finally {
    await endAll();
  }
};

const main = async (): Promise<number> => {
  if (values.help) {
    process.stdout.write(HELP);
    return 0;
  }
  if (positionals.length === 0) throw new InputError('name a folder of manifests, kustomizations or charts');
  const [dirs, crds] = [folders(positionals), folders(values.crds)];
  const only = new RegExp(values.only);
  const outcomes = await withBench(crds, async (bench) => {
    const outcomes: Outcome[] = [];
    for (const dir of dirs)
      for await (const outcome of tryFolder(dir, bench, only)) {
        outcomes.push(outcome);
        for (const line of linesOf(outcome)) (values.json ? process.stderr : process.stdout).write(`${line}\n`);
      }
    return outcomes;
  });
  if (outcomes.length === 0) throw new InputError(`nothing below ${positionals.join(', ')} is a folder to sync`);
  if (values.json) process.stdout.write(`${JSON.stringify({ ...summaryOf(outcomes), outcomes }, null, 2)}\n`);
  else process.stdout.write(`${summaryLine(outcomes)}\n`);
  return outcomes.some(({ verdict }) => verdict === 'differs') ? 1 : 0;
};

process.exitCode = await main().catch((error: unknown) => {
  if (!(error instanceof InputError)) throw error;
  say(`${error.message}\n\nnpm run real -- --help says what it takes`);
  return 2;
});
