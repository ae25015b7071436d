import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { createGit } from '../../src/git/index.ts';
import { createParser } from '../../src/render/index.ts';

/** What the bench asks of this process, which has nothing to do but that. */
export type Ask =
  /** Into a new mirror, until the texts of all files are read. With `parse`, until they are Kubernetes objects. */
  | { do: 'clone'; url: string; parse: boolean }
  /** The newest commit, until the files are known that it changed. */
  | { do: 'fetch'; url: string }
  | { do: 'poll'; url: string }
  | { do: 'report' };

export interface Answer {
  ms: number;
  /** Files that were read, or that changed. */
  files: number;
  /** Of this process, threads included: the most there ever was. */
  peakMiB: number;
  /** CPU that the main thread took between two turns, the most there ever was. */
  blockMs: number;
}

const parser = createParser();
/** Its threads run, as those of a controller do. */
const git = createGit(join(process.argv[2] ?? '', 'mirrors'));
let known = new Map<string, string>();
/** Whoever shows other credentials has another mirror: the server takes any. */
let mirrors = 0;

let blockMs = 0;
const cpuMs = (): number => {
  const { user, system } = process.threadCpuUsage();
  return (user + system) / 1000;
};
const watchTurns = (): void => {
  let before = cpuMs();
  setInterval(() => {
    const now = cpuMs();
    blockMs = Math.max(blockMs, now - before);
    before = now;
  }, 1);
};

const WANTED = { pattern: /\.yaml$/, maxBytes: 200_000_000 };

const clone = async (url: string, parse: boolean): Promise<number> => {
  mirrors += 1;
  const { source, commit } = await head(url);
  const tree = await git.open(source, commit);
  const { texts } = await tree.texts('.', WANTED);
  if (parse) return (await parser.parse(texts, 'bench')).length;
  known = new Map((await tree.files('.')).map(({ path, oid }) => [path, oid]));
  return texts.length;
};

const head = async (url: string) => {
  const source = { url, ref: { branch: 'main' }, timeoutMs: 60_000, credentials: { token: `${mirrors}` } };
  const { commit } = await git.resolve(source);
  return { source, commit };
};

const fetch = async (url: string): Promise<number> => {
  const { source, commit } = await head(url);
  const files = await (await git.open(source, commit)).files('.');
  const changed = files.filter(({ path, oid }) => known.get(path) !== oid);
  known = new Map(files.map(({ path, oid }) => [path, oid]));
  return changed.length;
};

const work = async (ask: Ask): Promise<number> => {
  if (ask.do === 'report') return 0;
  if (ask.do === 'clone') return clone(ask.url, ask.parse);
  if (ask.do === 'fetch') return fetch(ask.url);
  await head(ask.url);
  return 0;
};

const peakMiB = (): number => Number(/^VmHWM:\s+(\d+)/m.exec(readFileSync('/proc/self/status', 'utf8'))?.[1]) / 1024;

process.on('message', (ask: Ask) => {
  const begun = performance.now();
  work(ask).then(
    (files) => process.send?.({ ms: performance.now() - begun, files, peakMiB: peakMiB(), blockMs } satisfies Answer),
    (error: unknown) => {
      process.stderr.write(`${error instanceof Error ? error.stack : error}\n`);
      process.exit(1);
    },
  );
});
watchTurns();
