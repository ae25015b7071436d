import { cpSync, writeFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import type { KubeObject } from '../../src/api/meta.ts';
import { type GitServer, startGitServer } from '../lib/git-server.ts';
import { findCases, isSkipped } from './cases.ts';
import { cleanUp } from './clean.ts';
import type { Controller } from './controller.ts';
import { capabilitiesOf, type Programs } from './expected.ts';
import { type Outcome, skippedOutcome } from './outcome.ts';
import { serveKinds } from './plane.ts';
import { type Sides, type Source, tryCase } from './try-case.ts';

export interface Bench extends Sides {
  controller: Controller;
  programs: Programs;
  git: GitServer;
  /** Definitions that both clusters serve all the time. */
  kinds: readonly KubeObject[];
}

export const createBench = async (parts: Omit<Bench, 'git'>): Promise<Bench> => ({
  ...parts,
  git: await startGitServer(),
});

/** Each case of a folder, one after the other, as they end. */
export async function* tryFolder(dir: string, bench: Bench, only = /./): AsyncGenerator<Outcome> {
  const cases = findCases(dir).filter(({ path }) => only.test(path));
  if (cases.length === 0) return;
  const source = publish(dir, bench.git);
  let capabilities: string[] | undefined;
  for (const [i, one] of cases.entries()) {
    if (isSkipped(one)) {
      yield skippedOutcome(source.name, one);
      continue;
    }
    const namespace = `${source.url.replace(/^.*\/|\.git$/g, '')}-${i}`;
    capabilities ??= await capabilitiesOf(bench.theirs);
    const { outcome, objects } = await tryCase(one, { ...bench, source, capabilities, namespace });
    yield outcome;
    await cleanUp(bench, namespace, objects);
    if (!objects.some(({ kind }) => ['CustomResourceDefinition', 'APIService'].includes(kind))) continue;
    await forgetKinds(bench);
    capabilities = undefined;
  }
}

/** What a process has read of the kinds counts for minutes: the next case is not to see those of the one before. */
const forgetKinds = async ({ ours, theirs, kinds, controller }: Bench): Promise<void> => {
  for (const plane of [ours, theirs]) {
    await serveKinds(plane, kinds);
    await plane.discovery.refresh();
  }
  await controller.restart();
};

/** As a repository: every file byte by byte, those that Git would leave out or convert, too. */
const publish = (dir: string, git: GitServer): Source => {
  const repository = git.repository(`real-${git.requests.length}-${Date.now().toString(36)}`);
  cpSync(dir, repository.dir, {
    recursive: true,
    verbatimSymlinks: true,
    filter: (path) => basename(path) !== '.git' || path === dir,
  });
  writeFileSync(join(repository.dir, '.git/info/attributes'), '* -text -filter -ident -working-tree-encoding\n');
  repository.git('add', '--all', '--force');
  repository.commit({});
  return { name: basename(dir), root: dir, url: repository.url };
};
