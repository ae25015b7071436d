import { execFile, fork } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import type { Progress } from '../../tools/demo/progress.ts';
import { type GitRepository, startGitServer } from '../../tools/lib/git-server.ts';
import { percentile, round } from '../statistics.ts';
import type { Answer, Ask } from './client.ts';

/** A repository as platforms have it, and a large one. */
const MANIFESTS = { folders: 50, files: 101, bytes: 1050 };
const LARGE = { files: 14, bytes: 7_150_000 };
const CLONES = 5;
const FETCHES = 9;
const POLLS = 25;

const exec = promisify(execFile);

/** The time that a program takes, in milliseconds. */
const timed = async (args: readonly string[]): Promise<number> => {
  const begun = performance.now();
  await exec('git', args as string[], {
    env: { PATH: process.env.PATH, GIT_CONFIG_NOSYSTEM: '1', HOME: '/nonexistent' },
  });
  return performance.now() - begun;
};

/** metricops' way to Git in a process of its own. */
const startClient = (dir: string) => {
  const child = fork(join(import.meta.dirname, 'client.ts'), [dir], { stdio: ['ignore', 'inherit', 'inherit', 'ipc'] });
  const killed = (): void => void child.kill('SIGKILL');
  process.once('exit', killed);
  const ended = Promise.withResolvers<never>();
  const exited = once(child, 'exit').then(() => ended.reject(new Error('the client ended')));
  ended.promise.catch(() => {}); // whoever waits for an answer hears of it
  return {
    async ask(ask: Ask): Promise<Answer> {
      const answered = Promise.withResolvers<Answer>();
      child.once('message', answered.resolve);
      child.send(ask);
      return Promise.race([answered.promise, ended.promise]);
    },
    async stop(): Promise<void> {
      process.off('exit', killed);
      child.kill('SIGKILL');
      await exited;
    },
  };
};

const manifest = (name: string, version: number): string =>
  `apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: ${name}\n  namespace: shop\ndata:\n  version: "${version}"\n  text: ${'x'.repeat(MANIFESTS.bytes - 150)}\n`;

const fill = ({ commit }: GitRepository): void => {
  const files: Record<string, string> = {};
  for (let folder = 0; folder < MANIFESTS.folders; folder += 1)
    for (let file = 0; file < MANIFESTS.files; file += 1)
      files[`apps/a${folder}/c${file}.yaml`] = manifest(`c${folder}-${file}`, 0);
  commit(files);
};

const fillLarge = ({ commit }: GitRepository): void => {
  const files: Record<string, string> = {};
  for (let file = 0; file < LARGE.files; file += 1)
    files[`data/${file}.bin`] = randomBytes(Math.ceil((LARGE.bytes * 3) / 4)).toString('base64');
  files['apps/web.yaml'] = manifest('web', 0);
  commit(files);
};

/** Rounds of ours and Git's own, one after the other: the median of each. */
const pairs = async (rounds: number, ours: () => Promise<number>, theirs: () => Promise<number>) => {
  const [a, b]: [number[], number[]] = [[], []];
  for (let i = 0; i < rounds; i += 1) {
    a.push(await ours());
    b.push(await theirs());
  }
  return { ours: percentile(a, 50), theirs: percentile(b, 50) };
};

/**
 * metricops' way to a repository beside the git binary, over `git http-backend`: clone, fetch of one commit, and a poll
 * that finds nothing new. Memory is that of a process that does only that.
 */
export const benchGit = async (progress: Progress): Promise<Record<string, number>> => {
  const dir = mkdtempSync(join(tmpdir(), 'metricops-bench-git-'));
  const server = await startGitServer();
  const client = startClient(dir);
  let copies = 0;
  const clone = (url: string): Promise<number> =>
    timed(['clone', '--quiet', '--depth', '1', url, join(dir, `${copies++}`)]);
  try {
    const repository = server.repository('manifests');
    const { url } = repository;
    await progress.step(`${MANIFESTS.folders * MANIFESTS.files} files`, async () => fill(repository));
    const read = async (parse: boolean): Promise<number> => {
      const { ms, files } = await client.ask({ do: 'clone', url, parse });
      if (files !== MANIFESTS.folders * MANIFESTS.files) throw new Error(`${files} files were read`);
      return ms;
    };
    await progress.step('the first clone, with which threads begin', () => read(false));
    const parsed = await progress.step('clone, and parse', () =>
      pairs(
        3,
        () => read(true),
        () => clone(url),
      ),
    );
    const cloned = await progress.step('clone', () =>
      pairs(
        CLONES,
        () => read(false),
        () => clone(url),
      ),
    );

    const work = join(dir, 'work');
    await exec('git', ['clone', '--quiet', url, work]);
    let version = 0;
    const fetched = await progress.step('fetch of one commit', () =>
      pairs(
        FETCHES,
        async () => {
          version += 1;
          repository.commit({ [`apps/a${version}/c7.yaml`]: manifest(`c${version}-7`, version) });
          const { ms, files } = await client.ask({ do: 'fetch', url });
          if (files !== 1) throw new Error(`${files} files have changed`);
          return ms;
        },
        async () =>
          (await timed(['-C', work, 'fetch', '--quiet'])) +
          (await timed(['-C', work, 'diff', '--name-only', 'HEAD', 'origin/main'])),
      ),
    );
    const polled = await progress.step('polls', () =>
      pairs(
        POLLS,
        async () => (await client.ask({ do: 'poll', url })).ms,
        () => timed(['ls-remote', '--quiet', url, 'refs/heads/main']),
      ),
    );
    const { peakMiB: usual, blockMs: first } = await client.ask({ do: 'report' });

    const large = server.repository('large');
    await progress.step('100 MB', async () => fillLarge(large));
    const other = join(dir, 'large');
    mkdirSync(other);
    const second = startClient(other);
    const largest = await progress
      .step('clone of 100 MB', () => second.ask({ do: 'clone', url: large.url, parse: false }))
      .finally(() => second.stop());
    const largeByGit = await clone(large.url);
    return {
      pollRatio: round(polled.ours / polled.theirs, 2),
      fetchRatio: round(fetched.ours / fetched.theirs, 2),
      cloneRatio: round(cloned.ours / cloned.theirs, 2),
      'cloneRatio.parsed': round(parsed.ours / parsed.theirs, 2),
      'cloneRatio.large': round(largest.ms / largeByGit, 2),
      'pollMs.p50': round(polled.ours),
      'fetchMs.p50': round(fetched.ours),
      'cloneMs.p50': round(cloned.ours),
      'memoryMiB.manifests': round(usual),
      'memoryMiB.large': round(largest.peakMiB),
      'mainThreadBlockMs.max': round(Math.max(first, largest.blockMs)),
    };
  } finally {
    await client.stop();
    await server.close();
    rmSync(dir, { recursive: true, force: true });
  }
};
