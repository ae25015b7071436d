import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { once } from 'node:events';
import {
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { createServer } from 'node:http';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { after, before, describe, it } from 'mocha';
import { type GitSyncInput, renderSpec } from '../../src/api/gitsync.ts';
import type { KubeObject } from '../../src/api/meta.ts';
import { createGit } from '../../src/git/index.ts';
import { createParser, createRenderTurns, parseManifests, type Release, render } from '../../src/render/index.ts';
import { ensurePrograms } from '../../tools/cluster/build.ts';
import { type GitRepository, type GitServer, startGitServer } from '../../tools/lib/git-server.ts';
import { chartArchive } from '../support/tgz.ts';

const EXAMPLE = join(import.meta.dirname, '../../examples/helm');
const MIB = 1024 * 1024;
const chart = (name: string, more = ''): string => `apiVersion: v2\nname: ${name}\nversion: 1.0.0\n${more}`;
const config = (text: string, name = 'a'): string =>
  `apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: ${name}\ndata:\n  text: ${text}\n`;
/** A chart with one template, whose ConfigMap has this text. */
const showing = (text: string, more: Record<string, string> = {}): Record<string, string> => ({
  'Chart.yaml': chart('web'),
  'templates/a.yaml': config(text),
  ...more,
});
const release: Release = {
  name: 'web',
  namespace: 'shop',
  capabilities: { kubeVersion: 'v1.34.4', apiVersions: ['v1', 'v1/ConfigMap', 'apps/v1', 'apps/v1/Deployment'] },
  values: [],
};
type HelmInput = NonNullable<NonNullable<GitSyncInput['render']>['helm']>;
const textOf = (object: KubeObject | undefined): unknown => (object?.data as { text?: unknown } | undefined)?.text;

describe('helm template', () => {
  const temporary = process.env.TMPDIR;
  const dir = mkdtempSync(join(tmpdir(), 'metricops-helm-'));
  const copies = (): string[] => readdirSync(dir).filter((name) => name.startsWith('metricops-render-'));
  const git = createGit(join(dir, 'git'));
  const parser = createParser();
  const turns = createRenderTurns();
  let server: GitServer;
  let helm: string;
  let repositories = 0;

  before(async function () {
    this.timeout(600_000);
    const log = (line: string): void => void process.stderr.write(`    ${line}\n`);
    ({ helm } = await ensurePrograms(['helm'], { log }));
    process.env.TMPDIR = dir;
    server = await startGitServer();
  });
  after(async () => {
    if (temporary === undefined) delete process.env.TMPDIR;
    else process.env.TMPDIR = temporary;
    await Promise.all([server.close(), git.close(), parser.close()]);
    rmSync(dir, { recursive: true });
  });

  const repository = (files: Record<string, string> = {}): GitRepository => {
    repositories += 1;
    const made = server.repository(`charts-${repositories}`);
    made.commit(files);
    return made;
  };
  const rendered = async (
    { url }: GitRepository,
    {
      path = '.',
      spec = {},
      given = {},
      timeoutMs = 60_000,
      bounds,
    }: {
      path?: string;
      spec?: HelmInput;
      given?: Partial<Release>;
      timeoutMs?: number;
      bounds?: { memoryBytes: number; cpuSeconds: number; outputBytes: number };
    } = {},
  ) => {
    const source = { url, ref: { branch: 'main' }, timeoutMs: 10_000 };
    const tree = await git.open(source, (await git.resolve(source)).commit);
    const choice = renderSpec.parse({ helm: spec });
    const input = { source: url, tree, path, choice, tenant: 'shop', release: async () => ({ ...release, ...given }) };
    return render(input, { kustomize: '', helm, sops: '', timeoutMs, parser, turns, bounds });
  };
  const shown = async (files: Record<string, string>, options?: Parameters<typeof rendered>[1]): Promise<unknown> =>
    textOf((await rendered(repository(files), options)).objects[0]);
  const refused = (promise: Promise<unknown>, code: string, says: RegExp) =>
    assert.rejects(promise, { name: 'ReasonError', code, message: says });

  it('of the example gives what helm itself writes, without what its hooks and tests are', async () => {
    const example = repository();
    cpSync(EXAMPLE, example.dir, { recursive: true });
    example.commit({});
    const values = join(EXAMPLE, 'production.yaml');
    const args = ['template', 'web', join(EXAMPLE, 'chart'), '--no-hooks', '--namespace', 'shop', '--values', values];
    const wanted = parseManifests(execFileSync(helm, args, { encoding: 'utf8' }), 'helm');
    const { objects, hooks } = await rendered(example, {
      path: 'chart',
      spec: { valuesFiles: ['production.yaml'] },
    });
    assert.equal(objects.length, 3);
    assert.deepEqual(objects, wanted);
    assert.deepEqual(hooks, []);
    const migrating = await rendered(example, { path: 'chart', spec: { values: { migration: { enabled: true } } } });
    assert.deepEqual(migrating.hooks, ['Job web-migration (pre-install,pre-upgrade)']);
    assert.ok(migrating.objects.every(({ kind }) => kind !== 'Job'));
  });

  it('takes the last of the chart’s values, valuesFiles, valuesFrom and values, and merges maps', async () => {
    const all = '{{ .Values.a }}{{ .Values.b }}{{ .Values.c }}{{ .Values.d }}{{ .Values.map | toJson }}';
    const files = showing(`'${all}'`, {
      'values.yaml': 'a: 0\nb: 0\nc: 0\nd: 0\nmap: {one: 0, two: 0}\n',
      'prod/one.yaml': 'b: 1\nc: 1\nd: 1\n',
      'prod/two.yaml': 'map: {one: 2}\n',
    });
    const text = await shown(files, {
      spec: { valuesFiles: ['prod/one.yaml', 'prod/two.yaml'], values: { d: 4 } },
      given: { values: [{ from: 'ConfigMap shop/a', text: 'c: 3\nd: 3\n', isSecret: false }] },
    });
    assert.equal(text, '0134{"one":2,"two":0}');
  });

  it('knows the release, the version of the cluster, and what the cluster serves', async () => {
    const given = { capabilities: { kubeVersion: 'v1.31.2', apiVersions: ['shop.dev/v1', 'shop.dev/v1/Basket'] } };
    const words = [
      '{{ .Release.Name }} {{ .Release.Namespace }} {{ .Capabilities.KubeVersion.Version }}',
      '{{ .Capabilities.APIVersions.Has "shop.dev/v1/Basket" }} {{ .Capabilities.APIVersions.Has "shop.dev/v2" }}',
    ];
    assert.equal(await shown(showing(words.join(' ')), { given }), 'web shop v1.31.2 true false');
  });

  it('is built for the Kubernetes of its client, where nobody names a version', () => {
    const made = join(dir, 'versions');
    mkdirSync(join(made, 'templates'), { recursive: true });
    writeFileSync(join(made, 'Chart.yaml'), chart('web'));
    writeFileSync(join(made, 'templates/a.yaml'), config('{{ .Capabilities.KubeVersion.Version }}'));
    const output = execFileSync(helm, ['template', 'web', made], { env: { HOME: dir, PATH: '' } }).toString();
    const goMod = readFileSync(join(import.meta.dirname, '../../tools/cluster/go/helm/go.mod'), 'utf8');
    const [, minor] = /^\s*k8s\.io\/client-go v0\.(\d+)\./m.exec(goMod) ?? [];
    assert.match(output, new RegExp(`^ {2}text: v1\\.${minor}\\.0$`, 'm'));
  });

  it('finds nothing in the cluster, in its environment, or by a name of a host', async () => {
    const words = [
      '{{ lookup "v1" "Secret" "shop" "" | toJson }}',
      '{{ getHostByName "localhost" }}',
      '{{ .Files.Get "../../../../etc/passwd" }}',
    ];
    assert.equal(await shown(showing(`'${words.join('|')}'`)), '{}||');
  });

  it('applies the definitions of crds/ before all else, and no tests', async () => {
    const definition =
      'apiVersion: apiextensions.k8s.io/v1\nkind: CustomResourceDefinition\nmetadata: {name: a.shop.dev}\n';
    const { objects } = await rendered(repository(showing('a', { 'crds/a.yaml': definition })));
    assert.deepEqual(
      objects.map(({ kind }) => kind),
      ['CustomResourceDefinition', 'ConfigMap'],
    );
  });

  describe('of a chart with charts', () => {
    const parent = (more: Record<string, string> = {}) => ({
      'Chart.yaml': chart(
        'web',
        'dependencies: [{name: db, version: 1.x.x, repository: "https://charts.example.com"}]\n',
      ),
      'values.yaml': 'db: {text: from the parent}\n',
      ...more,
    });
    const db = { 'Chart.yaml': chart('db'), 'templates/db.yaml': config('{{ .Values.text }}', 'db') };

    it('renders those that are folders', async () => {
      const folder = Object.fromEntries(Object.entries(db).map(([name, text]) => [`charts/db/${name}`, text]));
      assert.equal(await shown(parent(folder)), 'from the parent');
    });

    it('renders those that are archives, as helm dependency build leaves them', async () => {
      const made = repository(parent());
      mkdirSync(join(made.dir, 'charts'));
      writeFileSync(join(made.dir, 'charts/db-1.0.0.tgz'), chartArchive('db', db));
      made.commit({});
      assert.equal(textOf((await rendered(made)).objects[0]), 'from the parent');
    });

    it('says which ones are missing, and what to do', () =>
      refused(
        rendered(repository(parent())),
        'HelmFailed',
        /^helm template of \. failed: Chart.yaml names charts .* have: db; run `helm dependency build` and commit/,
      ));

    it('refuses an archive that would write elsewhere', async () => {
      const made = repository(parent());
      mkdirSync(join(made.dir, 'charts'));
      writeFileSync(join(made.dir, 'charts/db-1.0.0.tgz'), chartArchive('db', { ...db, '../../../evil': 'x' }));
      made.commit({});
      await refused(rendered(made), 'ChartRefused', /^the archive of .\/charts\/db-1.0.0.tgz has a file with the name/);
    });
  });

  describe('of a hostile chart', () => {
    const bounds = { memoryBytes: 224 * MIB, cpuSeconds: 2, outputBytes: MIB };

    it('ends when its list has no end', () =>
      refused(
        shown(showing('{{ range until 1000000000 }}a{{ end }}'), { bounds }),
        'ManifestTooLarge',
        /^helm template of \. needs more than 224 MiB of memory; split/,
      ));

    it('ends when its loops take all the time', () =>
      refused(
        shown(showing('{{ range until 100000 }}{{ range until 100000 }}{{ $x := add 1 1 }}{{ end }}{{ end }}'), {
          bounds,
        }),
        'ManifestTooLarge',
        /took more than 2 s of CPU time/,
      ));

    it('ends when it writes without end', () =>
      refused(shown(showing('{{ repeat 3000000 "a" }}'), { bounds }), 'ManifestTooLarge', /wrote more than 1 MiB/));

    it('ends when a template includes itself', () =>
      refused(
        shown(showing('{{ include "a" . }}', { 'templates/_a.tpl': '{{ define "a" }}{{ include "a" . }}{{ end }}' }), {
          bounds,
        }),
        'HelmFailed',
        /nested reference/,
      ));

    it('ends when a template makes templates of itself', () =>
      refused(
        shown(showing('{{ tpl .Values.a . }}', { 'values.yaml': "a: '{{ tpl .Values.a . }}'" }), { bounds }),
        'ManifestTooLarge',
        /needs more than|took more than/,
      ));

    it('reads nothing outside of the repository: not by a symlink', async () => {
      const made = repository(showing('{{ .Files.Get "passwd" }}'));
      symlinkSync('/etc/passwd', join(made.dir, 'passwd'));
      made.commit({});
      await refused(rendered(made), 'PathOutsideRepository', /symlink passwd leads out of the repository/);
    });

    it('ends when symlinks make charts of charts without end', async () => {
      const made = repository(showing('a'));
      mkdirSync(join(made.dir, 'charts'));
      for (const name of ['a', 'b', 'c', 'd']) symlinkSync('..', join(made.dir, 'charts', name));
      made.commit({});
      const started = performance.now();
      await refused(rendered(made), 'ChartRefused', /too many charts in charts|charts nest deeper than 8/);
      assert.ok(performance.now() - started < 30_000);
    });

    it('reads nothing outside of the repository: not by the path of a values file', async () => {
      const made = repository(showing('a'));
      await assert.rejects(
        rendered(made, { spec: { valuesFiles: ['../../etc/passwd'] } }),
        /no leading \/ and no \.\./,
      );
      await refused(
        rendered(made, { spec: { valuesFiles: ['prod.yaml'] } }),
        'ValuesNotFound',
        /valuesFiles: the source has no file prod.yaml/,
      );
    });

    it('reads nothing outside of the repository: not by a comma in the path of a values file', async () => {
      const outside = join(dir, 'outside.yaml');
      writeFileSync(outside, 'a: from outside\n');
      const inside = `x,${outside}`;
      const files = showing('{{ .Values.a }}', { [inside]: 'a: from inside\n', x: 'a: cut off\n' });
      assert.equal(await shown(files, { spec: { valuesFiles: [inside] } }), 'from inside');
      await refused(
        shown({ ...files, [inside]: '- a list' }, { spec: { valuesFiles: [inside] } }),
        'HelmFailed',
        /failed to parse x,.*outside.yaml: /,
      );
    });

    it('asks no other host for a schema', async () => {
      const asked: string[] = [];
      const other = createServer((request, answer) => {
        asked.push(request.url ?? '');
        answer.end('{}');
      }).listen(0, '127.0.0.1');
      await once(other, 'listening');
      const { port } = other.address() as { port: number };
      const schema = JSON.stringify({ $ref: `http://127.0.0.1:${port}/schema.json` });
      const files = showing('a', { 'values.schema.json': schema });
      await refused(
        shown(files),
        'ChartRefused',
        /^\.: values.schema.json refers to http:\/\/127.0.0.1:\d+\/schema.json/,
      );
      assert.equal(await shown(files, { spec: { skipSchemaValidation: true } }), 'a');
      assert.deepEqual(asked, []);
      other.close();
    });

    it('leaves out no template that is a pointer of Git LFS', () =>
      refused(
        shown(
          showing('a', { 'templates/b.yaml': 'version https://git-lfs.github.com/spec/v1\noid sha256:1\nsize 1\n' }),
        ),
        'LFSPointerRefused',
        /templates\/b.yaml is a pointer of Git LFS/,
      ));

    it('leaves nothing behind', () => assert.deepEqual(copies(), []));
  });

  it('refuses values that the schema of the chart refuses, in its words', async () => {
    const files = showing('"{{ .Values.replicas }}"', {
      'values.schema.json': JSON.stringify({ properties: { replicas: { type: 'integer' } } }),
    });
    await refused(shown(files, { spec: { values: { replicas: 'two' } } }), 'HelmFailed', /'?\/?replicas'?: .*integer/);
    assert.equal(await shown(files, { spec: { values: { replicas: 2 } } }), '2');
  });

  it('shows no value of a Secret in its errors', async () => {
    const values = [{ from: 'Secret shop/web', text: 'password: hunter2hunter2', isSecret: true }];
    await refused(
      shown(showing('{{ fail .Values.password }}'), { given: { values } }),
      'HelmFailed',
      /^helm template of \. failed at web\/templates\/a.yaml:6:\d+; what it says may hold a value of a Secret/,
    );
    await refused(
      shown(showing('a'), { given: { values: [{ from: 'Secret shop/web', text: 'hunter2: [', isSecret: true }] } }),
      'InvalidYAML',
      /^Secret shop\/web is not YAML: (?!.*hunter2)/,
    );
  });

  it('shows no value of a Secret in what it says of hooks, and of an object that is none', async () => {
    const values = [{ from: 'Secret shop/web', text: 'password: hunter2hunter2', isSecret: true }];
    const named = '  name: {{ .Values.password }}\n  annotations:\n    helm.sh/hook: pre-install\n';
    const hook = config('a', 'b').replace('  name: b\n', named);
    const { hooks } = await rendered(repository({ ...showing('a'), 'templates/b.yaml': hook }), { given: { values } });
    assert.deepEqual(hooks, ['one that has password of Secret shop/web in its name or annotation']);
    const bad = 'apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: {{ .Values.password }}\ndata: []\n';
    await assert.rejects(
      shown({ ...showing('a'), 'templates/b.yaml': bad }, { given: { values } }),
      (e: Error) => /password of Secret shop\/web/.test(e.message) && !e.message.includes('hunter2'),
    );
  });

  it('gets values of a Secret from a place in memory, and leaves nothing there', async () => {
    if (!existsSync('/dev/shm')) return void assert.notEqual(process.platform, 'linux');
    const script = join(dir, 'says-its-arguments');
    const lines = ['# Source: a.yaml', 'kind: ConfigMap', 'apiVersion: v1', 'metadata: { name: a }', 'data:'];
    const says = [...lines.map((line) => `echo '${line}'`), 'echo "  text: $*"'];
    writeFileSync(script, `#!/bin/sh\n${says.join('\n')}\n`, { mode: 0o755 });
    const own = helm;
    helm = script;
    try {
      const values = ['ConfigMap', 'Secret'].map((kind) => ({
        from: `${kind} shop/web`,
        text: 'a: 1\n',
        isSecret: kind === 'Secret',
      }));
      const text = String(await shown({ 'Chart.yaml': chart('web') }, { given: { values } }));
      const [, plain = '', secret = ''] = /--values (\S+) --values (\S+)/.exec(text) ?? [];
      assert.ok(plain.startsWith(dir) && secret.startsWith('/dev/shm/'), text);
      assert.equal(existsSync(dirname(secret)), false);
    } finally {
      helm = own;
    }
  });

  it('names the template of an object that is none', () =>
    refused(
      rendered(repository({ 'Chart.yaml': chart('web'), 'templates/b.yaml': 'kind: Pod\n' })),
      'InvalidManifest',
      /^web\/templates\/b.yaml, document 1 is not a Kubernetes object/,
    ));
}).timeout(120_000);
