import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, it } from 'mocha';
import { createGit } from '../../src/git/index.ts';
import { createParser, createRenderTurns, removeCopies, render } from '../../src/render/index.ts';
import { ensurePrograms } from '../../tools/cluster/build.ts';
import { type GitServer, startGitServer } from '../../tools/lib/git-server.ts';

const MIB = 1024 * 1024;
const ROOMY = { memoryBytes: 224 * MIB, cpuSeconds: 20, outputBytes: 16 * MIB };

/** Definitions of some 200 fields each, as operators have them. */
const definitions = (megabytes: number): string => {
  const field = (i: number): string =>
    `        field${i}:\n          description: What this field is for, in some words.\n`;
  const fields = Array.from({ length: 200 }, (_, i) => field(i)).join('');
  const one = (i: number): string =>
    `---\napiVersion: apiextensions.k8s.io/v1\nkind: CustomResourceDefinition\nmetadata: {name: a${i}.ex.io}\nspec:\n  a:\n    properties:\n${fields}`;
  const count = Math.ceil((megabytes * 1e6) / one(0).length);
  return Array.from({ length: count }, (_, i) => one(i)).join('');
};

const BROKEN = 'kind: Secret\nstringData:\n  password: hunter2\n :bad: [';

describe('a kustomize build', () => {
  const temporary = process.env.TMPDIR;
  const dir = mkdtempSync(join(tmpdir(), 'metricops-bounds-'));
  const copies = (): string[] => readdirSync(dir).filter((name) => name.startsWith('metricops-render-'));
  const git = createGit(join(dir, 'git'));
  const parser = createParser();
  let server: GitServer;
  let kustomize: string;
  let url: string;

  before(async function () {
    this.timeout(600_000);
    const log = (line: string): void => void process.stderr.write(`    ${line}\n`);
    ({ kustomize } = await ensurePrograms(['kustomize'], { log }));
    process.env.TMPDIR = dir;
    server = await startGitServer();
    const repository = server.repository('bounds');
    repository.commit({
      'small/kustomization.yaml': 'resources: [a.yaml]',
      'small/a.yaml': 'apiVersion: v1\nkind: ConfigMap\nmetadata: {name: a}\ndata: {a: b}',
      'large/kustomization.yaml': 'resources: [a.yaml]',
      'large/a.yaml': definitions(3),
      'literal/kustomization.yaml': 'secretGenerator: [{name: db, literals: [hunter2hunter2]}]',
      'patch/kustomization.yaml': `resources: [../small]\npatches: [{patch: ${JSON.stringify(BROKEN)}}]`,
    });
    ({ url } = repository);
  });
  after(async () => {
    if (temporary === undefined) delete process.env.TMPDIR;
    else process.env.TMPDIR = temporary;
    await Promise.all([server.close(), git.close(), parser.close()]);
    rmSync(dir, { recursive: true });
  });

  const turns = createRenderTurns();
  const build = async (path: string, { tenant = 'shop', bounds = ROOMY, timeoutMs = 60_000 } = {}) => {
    const source = { url, ref: { branch: 'main' }, timeoutMs: 10_000 };
    const tree = await git.open(source, (await git.resolve(source)).commit);
    return render(
      { source: url, tree, path, tenant },
      { kustomize, helm: 'helm', sops: '', timeoutMs, parser, turns, bounds },
    );
  };
  const refused = (promise: Promise<unknown>, says: RegExp) =>
    assert.rejects(promise, { name: 'ReasonError', code: 'ManifestTooLarge', message: says });

  for (const [path, says] of [
    ['literal', 'loading KV pairs: literal sources: invalid literal source, expected key=value'],
    ['patch', 'unable to parse SM or JSON patch'],
  ] as const)
    it(`that fails quotes nothing that may be a secret: ${says}`, () =>
      assert.rejects(build(path), { message: `kustomize build of ${path} failed: ${says}` }));

  it('of 3 MB of definitions fits', async () => assert.ok((await build('large')).objects.length > 100));

  it('that needs more memory is refused, with the bound', () =>
    refused(
      build('large', { bounds: { ...ROOMY, memoryBytes: 100 * MIB } }),
      /build of large needs more than 100 MiB/,
    ));

  it('that needs more CPU time is refused, with the bound', () =>
    refused(build('large', { bounds: { ...ROOMY, cpuSeconds: 1 } }), /large took more than 1 s of CPU time/));

  it('that writes more is refused, with the bound', () =>
    refused(build('large', { bounds: { ...ROOMY, outputBytes: MIB } }), /large wrote more than 1 MiB/));

  it('that takes longer is refused, with the bound', () =>
    refused(build('large', { timeoutMs: 100 }), /large took longer than 0.1 s/));

  it('that was refused costs the next one nothing, nor leaves a copy', async () => {
    await refused(build('large', { timeoutMs: 100 }), /took longer/);
    assert.deepEqual(copies(), []);
    assert.equal((await build('small')).objects.length, 1);
  });

  it('waits while its tenant has one under way, and overtakes what that tenant has waiting', async () => {
    const done: string[] = [];
    let most = 0;
    const watch = setInterval(() => {
      most = Math.max(most, copies().length);
    }, 2);
    const note = (name: string) => () => void done.push(name);
    const greedy = Array.from({ length: 3 }, (_, i) => build('large', { tenant: 'greedy' }).then(note(`greedy ${i}`)));
    await Promise.all([...greedy, build('small', { tenant: 'modest' }).then(note('modest'))]);
    clearInterval(watch);
    assert.equal(done[0], 'modest');
    assert.ok(most >= 1 && most <= 2, `${most} at a time`);
  });

  it('whose process was killed with the controller leaves nothing behind the next start', async () => {
    const gone = spawnSync(process.execPath, ['-e', '']).pid;
    for (const pid of [process.pid, gone, process.ppid]) {
      mkdirSync(join(dir, `metricops-render-${pid}-left`, 'repository'), { recursive: true });
      writeFileSync(join(dir, `metricops-render-${pid}-left`, 'repository', 'a.yaml'), 'a');
    }
    mkdirSync(join(dir, 'somebody-elses'));
    await removeCopies();
    assert.deepEqual(copies(), [`metricops-render-${process.ppid}-left`]);
    assert.ok(readdirSync(dir).includes('somebody-elses'));
  });
}).timeout(120_000);
