import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { cpSync, existsSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, it } from 'mocha';
import type { RenderSpec } from '../../src/api/gitsync.ts';
import { keyOf, keyString } from '../../src/api/meta.ts';
import { createGit } from '../../src/git/index.ts';
import { createParser, parseManifests, render } from '../../src/render/index.ts';
import { ensurePrograms } from '../../tools/cluster/build.ts';
import { type GitServer, startGitServer } from '../../tools/lib/git-server.ts';

const ROOT = join(import.meta.dirname, '../..');
const DEMO = join(ROOT, '../shared/real/microservices-demo');

/** Folders with a kustomization, real ones where they are at hand. */
const SAMPLES = existsSync(DEMO)
  ? {
      dir: DEMO,
      folders: [
        'kustomize/base',
        'kustomize',
        'kustomize/tests/memorystore-with-all-components',
        'kustomize/tests/service-mesh-istio-with-all-components',
        'kustomize/tests/spanner-with-all-components',
      ],
      plain: 'kustomize/base',
    }
  : { dir: join(ROOT, 'examples'), folders: ['shop/manifests'], plain: 'shop/manifests' };

describe('a real repository', () => {
  const dir = mkdtempSync(join(tmpdir(), 'metricops-mirrors-'));
  const git = createGit(dir);
  const parser = createParser();
  let server: GitServer;
  let kustomize: string;
  let kubectl: string;
  let url: string;

  before(async function () {
    this.timeout(600_000);
    const log = (line: string): void => void process.stderr.write(`    ${line}\n`);
    ({ kustomize, kubectl } = await ensurePrograms(['kustomize', 'kubectl'], { log }));
    server = await startGitServer();
    const repository = server.repository('demo');
    cpSync(SAMPLES.dir, repository.dir, { recursive: true });
    repository.commit({});
    ({ url } = repository);
  });
  after(async () => {
    await Promise.all([server.close(), git.close(), parser.close()]);
    rmSync(dir, { recursive: true });
  });

  const rendered = async (path: string, choice?: RenderSpec) => {
    const source = { url, ref: { branch: 'main' }, timeoutMs: 10_000 };
    const tree = await git.open(source, (await git.resolve(source)).commit);
    return (
      await render(
        { source: url, tree, path, choice },
        { kustomize, helm: 'helm', sops: '', timeoutMs: 20_000, parser },
      )
    ).objects;
  };

  for (const folder of SAMPLES.folders) {
    it(`${folder} is rendered to the objects that kubectl kustomize writes`, async () => {
      const text = execFileSync(kubectl, ['kustomize', join(SAMPLES.dir, folder)], { encoding: 'utf8' });
      const wanted = parseManifests(text, 'kubectl');
      assert.ok(wanted.length > 0);
      assert.deepEqual(await rendered(folder), wanted);
    });
  }

  it(`every file of ${SAMPLES.plain} is read as kubectl reads it`, async () => {
    const manifests = join(SAMPLES.dir, SAMPLES.plain);
    rmSync(join(dir, 'plain'), { recursive: true, force: true });
    cpSync(manifests, join(dir, 'plain'), { recursive: true });
    rmSync(join(dir, 'plain/kustomization.yaml'));
    // kubectl's own parser, without a server: --local changes nothing here but the form.
    const args = ['patch', '--local', '--type=merge', '-p', '{}', '-R', '-o', 'json', '-f', join(dir, 'plain')];
    const text = execFileSync(kubectl, args, { encoding: 'utf8' });
    const wanted = text.split(/^(?=\{)/m).map((json) => parseManifests(json, 'kubectl'));
    const plain = server.repository('plain');
    cpSync(join(dir, 'plain'), plain.dir, { recursive: true });
    plain.commit({});
    url = plain.url;
    const byKey = (objects: ReturnType<typeof parseManifests>) =>
      Object.fromEntries(objects.map((object) => [keyString(keyOf(object)), object]));
    assert.deepEqual(byKey(await rendered('.', { plain: {} })), byKey(wanted.flat()));
  });
});
