import assert from 'node:assert/strict';
import { existsSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, it } from 'mocha';
import { annotations } from '../../src/api/annotations.ts';
import type { KubeObject } from '../../src/api/meta.ts';
import { images as imagesSchema, patches as patchesSchema } from '../../src/api/patching.ts';
import { ReasonError } from '../../src/api/reason-error.ts';
import { createGit } from '../../src/git/index.ts';
import { createParser, createRenderTurns, type Rendered, render } from '../../src/render/index.ts';
import { ensurePrograms } from '../../tools/cluster/build.ts';
import { type GitServer, startGitServer } from '../../tools/lib/git-server.ts';

interface Asked {
  patches?: { patch: string | object; target?: Record<string, string> }[];
  images?: Record<string, string>[];
}

const deployment = (name: string, image: string, more = ''): string =>
  [
    'apiVersion: apps/v1',
    'kind: Deployment',
    `metadata: {name: ${name}, labels: {app: ${name}}${more}}`,
    'spec:',
    '  replicas: 1',
    `  selector: {matchLabels: {app: ${name}}}`,
    '  template:',
    `    metadata: {labels: {app: ${name}}}`,
    `    spec: {containers: [{name: c, image: ${image}, ports: [{containerPort: 8080}]}]}`,
    '---',
    '',
  ].join('\n');
const PASSWORD = 'correct-horse-battery';
const secret = (name: string, more = ''): string =>
  `apiVersion: v1\nkind: Secret\nmetadata: {name: ${name}, labels: {app: ${name}}}\nstringData: {password: ${PASSWORD}}\n${more}---\n`;
const config = (name: string, data = '{}'): string =>
  `apiVersion: v1\nkind: ConfigMap\nmetadata: {name: ${name}}\ndata: ${data}\n---\n`;

const add = (path: string, value: unknown) => ({ op: 'add', path, value });

describe('spec.patches and spec.images', () => {
  const temporary = process.env.TMPDIR;
  const dir = mkdtempSync(join(tmpdir(), 'metricops-patches-'));
  const git = createGit(join(dir, 'git'));
  const parser = createParser();
  const turns = createRenderTurns();
  let server: GitServer;
  let programs: Record<'kustomize' | 'helm', string>;
  let repositories = 0;

  before(async function () {
    this.timeout(600_000);
    const log = (line: string): void => void process.stderr.write(`    ${line}\n`);
    programs = await ensurePrograms(['kustomize', 'helm'], { log });
    process.env.TMPDIR = dir;
    server = await startGitServer();
  });
  after(async () => {
    if (temporary === undefined) delete process.env.TMPDIR;
    else process.env.TMPDIR = temporary;
    await Promise.all([server.close(), git.close(), parser.close()]);
    rmSync(dir, { recursive: true });
  });

  /** What a folder of this file, or of these files, is rendered to. */
  const rendered = async (
    files: string | Record<string, string>,
    { patches = [], images = [] }: Asked,
    kustomize = programs.kustomize,
  ): Promise<Rendered> => {
    repositories += 1;
    const repository = server.repository(`patches-${repositories}`);
    repository.commit(typeof files === 'string' ? { 'a.yaml': files } : files);
    const source = { url: repository.url, ref: { branch: 'main' }, timeoutMs: 10_000 };
    const tree = await git.open(source, (await git.resolve(source)).commit);
    const patching = {
      patches: patchesSchema.parse(
        patches.map(({ patch, ...more }) => ({
          patch: typeof patch === 'string' ? patch : JSON.stringify(patch),
          ...more,
        })),
      ),
      images: imagesSchema.parse(images),
    };
    const release = async () => ({
      name: 'app',
      namespace: 'shop',
      capabilities: { kubeVersion: 'v1.34.4', apiVersions: ['v1', 'apps/v1'] },
      values: [],
    });
    return render(
      { source: repository.url, tree, path: '.', tenant: 'shop', patching, release },
      { kustomize, helm: programs.helm, sops: '', timeoutMs: 60_000, parser, turns },
    );
  };
  const refusal = async (files: string, asked: Asked): Promise<ReasonError> => {
    const error = await rendered(files, asked).then(
      () => assert.fail('it was rendered'),
      (thrown: unknown) => thrown,
    );
    assert.ok(error instanceof ReasonError, String(error));
    return error;
  };
  const named = ({ objects }: Rendered, name: string): KubeObject => {
    const found = objects.find(({ metadata }) => metadata.name === name);
    assert.ok(found, `no ${name}`);
    return found;
  };
  const imageIn = (made: Rendered, name: string): string => {
    const { spec } = named(made, name) as KubeObject & {
      spec: { template: { spec: { containers: { image: string }[] } } };
    };
    return spec.template.spec.containers[0]?.image ?? '';
  };

  const TWO = deployment('web', 'shop/web:1') + deployment('api', 'shop/api:1') + config('settings');

  it('change the objects that they are about, and no other one, in the order of the folder', async () => {
    const without = await rendered(TWO, {});
    assert.equal(without.unmatched, undefined);
    const made = await rendered(TWO, {
      patches: [
        { patch: { kind: 'Deployment', apiVersion: 'apps/v1', metadata: { name: 'web' }, spec: { replicas: 3 } } },
        { patch: [add('/metadata/annotations', { team: 'shop' })], target: { kind: 'Deployment', name: 'ap.' } },
      ],
      images: [{ name: 'shop/api', newName: 'registry.example.com/api', newTag: '2' }],
    });
    assert.deepEqual(
      made.objects.map(({ metadata }) => metadata.name),
      ['web', 'api', 'settings'],
    );
    assert.equal((named(made, 'web').spec as { replicas: number }).replicas, 3);
    assert.equal(imageIn(made, 'web'), 'shop/web:1');
    assert.equal(imageIn(made, 'api'), 'registry.example.com/api:2');
    assert.deepEqual(named(made, 'api').metadata, {
      name: 'api',
      labels: { app: 'api' },
      annotations: { team: 'shop' },
    });
    assert.deepEqual(named(made, 'settings'), named(without, 'settings'));
    assert.deepEqual(made.unmatched, []);
    assert.deepEqual(
      made.inputs.map(({ path }) => path),
      without.inputs.map(({ path }) => path),
    );
  });

  it('change what kustomize and Helm make, under the names that these give', async () => {
    const asked: Asked = {
      patches: [{ patch: [add('/spec/replicas', 4)], target: { kind: 'Deployment', name: 'my-web' } }],
      images: [{ name: 'shop/web', newTag: '2' }],
    };
    const built = await rendered(
      { 'kustomization.yaml': 'resources: [a.yaml]\nnamePrefix: my-\n', 'a.yaml': deployment('web', 'shop/web:1') },
      asked,
    );
    const chart = await rendered(
      {
        'Chart.yaml': 'apiVersion: v2\nname: web\nversion: 1.0.0\n',
        'templates/a.yaml': deployment('my-web', 'shop/web:{{ .Chart.Version }}'),
        'templates/hook.yaml':
          'kind: Job\napiVersion: batch/v1\nmetadata: {name: x, annotations: {helm.sh/hook: test}}\n',
      },
      asked,
    );
    for (const made of [built, chart]) {
      assert.equal(imageIn(made, 'my-web'), 'shop/web:2');
      assert.equal((named(made, 'my-web').spec as { replicas: number }).replicas, 4);
      assert.deepEqual(made.unmatched, []);
    }
  });

  it('leave every other value as it was written, whatever it looks like', async () => {
    const values = [
      'yes',
      '1e3',
      '017',
      '0x1f',
      '~',
      'null',
      '1_000',
      '2001-01-01',
      '12:30:45',
      '- a',
      'a: b',
      '# c',
      ' d ',
      'line\u2028separator',
      'next\u0085line',
      'delete\u007f',
      'mark\ufeff',
      'two\nlines\n',
      '---\n',
      '${VAR}',
      'ein Ü, 漢字, 😀',
    ];
    const data = Object.fromEntries(values.map((value, i) => [`k${i}`, value]));
    const object = {
      apiVersion: 'example.com/v1',
      kind: 'Ledger',
      metadata: { name: 'a' },
      spec: { data, floats: [1.5, 1e21, 5_000_000], flags: [true, false], empty: {}, none: [] },
    };
    const LONG = '"long":[9223372036854775807,-9223372036854775808,9007199254740993]';
    const text = JSON.stringify(object).replace('"floats"', `${LONG},"floats"`);
    const { objects } = await rendered(text, {});
    for (const patch of [
      [add('/metadata/labels', { a: 'b' })],
      { apiVersion: 'v1', kind: 'any', metadata: { name: 'any', labels: { a: 'b' } } },
    ]) {
      const made = await rendered(text, { patches: [{ patch, target: { kind: 'Ledger' } }] });
      const [wanted] = objects;
      assert.ok(wanted);
      assert.deepEqual(made.objects, [{ ...wanted, metadata: { name: 'a', labels: { a: 'b' } } }]);
      assert.deepEqual((named(made, 'a').spec as { long: unknown[] }).long, [
        9223372036854775807n,
        -9223372036854775808n,
        9007199254740993n,
      ]);
    }
  });

  it('rename an object with what refers to it', async () => {
    const pod = `kind: Pod\napiVersion: v1\nmetadata: {name: p}\nspec: {containers: [{name: c, image: a, envFrom: [{configMapRef: {name: settings}}]}]}\n---\n`;
    const made = await rendered(pod + config('settings'), {
      patches: [{ patch: [{ op: 'replace', path: '/metadata/name', value: 'others' }], target: { kind: 'ConfigMap' } }],
    });
    assert.match(JSON.stringify(named(made, 'p')), /"configMapRef":\{"name":"others"\}/);
    assert.ok(named(made, 'others'));
  });

  it('delete an object, and keep one that kustomize itself would leave out', async () => {
    const local = config('local').replace(
      'name: local',
      'name: local, annotations: {config.kubernetes.io/local-config: "true"}',
    );
    const remove = { $patch: 'delete', kind: 'ConfigMap', apiVersion: 'v1', metadata: { name: 'any' } };
    const gone = await rendered(config('a') + config('b'), { patches: [{ patch: remove, target: { name: 'a' } }] });
    assert.deepEqual(
      gone.objects.map(({ metadata }) => metadata.name),
      ['b'],
    );
    const kept = await rendered(local + config('b'), {
      patches: [{ patch: [add('/data/c', 'd')], target: { kind: 'ConfigMap', name: 'b' } }],
    });
    assert.deepEqual(
      kept.objects.map(({ metadata }) => metadata.name),
      ['local', 'b'],
    );
  });

  describe('that match nothing', () => {
    const cases: [what: string, asked: Asked, said: string[]][] = [
      [
        'a name that there is not',
        {
          patches: [
            { patch: [add('/spec/replicas', 2)], target: { kind: 'Deployment', name: 'web' } },
            { patch: [add('/spec/replicas', 2)], target: { kind: 'Deployment', name: 'wbe', namespace: 'shop' } },
          ],
        },
        ['spec.patches[1] (Deployment shop/wbe) matches no object'],
      ],
      [
        'regular expressions and selectors',
        {
          patches: [
            { patch: [add('/spec/replicas', 2)], target: { kind: 'Deploy.*', name: 'w.b' } },
            { patch: [add('/spec/replicas', 2)], target: { group: 'apps', version: 'v1', name: 'w.c' } },
            { patch: [add('/spec/replicas', 2)], target: { labelSelector: 'app in (web, api)' } },
            { patch: [add('/spec/replicas', 2)], target: { labelSelector: 'app=none' } },
            { patch: [add('/spec/replicas', 2)], target: { annotationSelector: 'a=b' } },
          ],
        },
        [
          'spec.patches[1] (apps/v1 w.c) matches no object',
          'spec.patches[3] (with labels app=none) matches no object',
          'spec.patches[4] (with annotations a=b) matches no object',
        ],
      ],
      [
        'a label that an earlier patch brings, and one that it takes away',
        {
          patches: [
            { patch: [add('/metadata/labels/tier', 'front')], target: { name: 'web' } },
            { patch: [add('/spec/replicas', 2)], target: { labelSelector: 'tier=front' } },
            { patch: [{ op: 'remove', path: '/metadata/labels/tier' }], target: { labelSelector: 'tier=front' } },
            { patch: [add('/spec/replicas', 2)], target: { labelSelector: 'tier=front' } },
          ],
        },
        ['spec.patches[3] (with labels tier=front) matches no object'],
      ],
      [
        'an object that a patch deletes',
        {
          patches: [
            {
              patch: { $patch: 'delete', kind: 'any', apiVersion: 'v1', metadata: { name: 'any' } },
              target: { labelSelector: 'app=api' },
            },
            {
              patch: { $patch: 'delete', kind: 'any', apiVersion: 'v1', metadata: { name: 'any' } },
              target: { labelSelector: 'app=none' },
            },
          ],
        },
        ['spec.patches[1] (with labels app=none) matches no object'],
      ],
      [
        'images',
        {
          patches: [
            {
              patch: [{ op: 'replace', path: '/spec/template/spec/containers/0/image', value: 'other:1' }],
              target: { kind: 'Deployment', name: 'api' },
            },
          ],
          images: [
            { name: 'shop/web', newName: 'mirror/web' },
            { name: 'mirror/web', newTag: '2' },
            { name: 'other', newTag: '2' },
            { name: 'shop/we', newTag: '2' },
          ],
        },
        ['spec.images[3]: no container has the image shop/we'],
      ],
      [
        'a kind that the folder does not have',
        { patches: [{ patch: [add('/data', {})], target: { kind: 'Secret' } }] },
        ['spec.patches[0] (Secret) matches no object'],
      ],
    ];
    for (const [what, asked, said] of cases)
      it(`are named, by ${what}`, async () => {
        assert.deepEqual((await rendered(TWO, asked)).unmatched, said);
      });
  });

  describe('that can not be applied', () => {
    const good = { patch: [add('/spec/replicas', 2)], target: { kind: 'Deployment' } };
    const cases: [what: string, patch: Required<Asked>['patches'][number], says: RegExp][] = [
      ['is no patch', { patch: 'no patch', target: { kind: 'Deployment' } }, /unable to parse SM or JSON patch$/],
      ['is no YAML', { patch: 'a: [', target: { kind: 'Deployment' } }, /unable to parse SM or JSON patch$/],
      [
        'has a path that there is not',
        { patch: [{ op: 'replace', path: '/spec/none/a', value: 1 }], target: { kind: 'Deployment' } },
        /replace operation does not apply: .*\/spec\/none\/a/,
      ],
      [
        'names an object that there is not',
        { patch: { apiVersion: 'apps/v1', kind: 'Deployment', metadata: { name: 'none' } } },
        /no resource matches strategic merge patch "Deployment.v1.apps\/none/,
      ],
      [
        'has a regular expression that is none',
        { patch: [add('/spec/replicas', 2)], target: { name: '(' } },
        /error parsing regexp/,
      ],
      ['has two documents for one target', { patch: `${config('a')}${config('b')}`, target: {} }, /[Mm]ultiple/],
    ];
    for (const [what, patch, says] of cases)
      it(`are named by their number: one that ${what}`, async () => {
        const { code, message } = await refusal(TWO, { patches: [good, good, patch, good] });
        assert.equal(code, 'PatchFailed');
        assert.match(message, /^spec\.patches\[2\] failed: /);
        assert.match(message, says);
        assert.doesNotMatch(message, /metricops-render|\/tmp|trouble configuring/);
      });

    it('are named by the object where it is no object any more', async () => {
      const label = { patch: [add('/metadata/labels', { a: 1 })], target: { kind: 'Deployment', name: 'web' } };
      const { code, message } = await refusal(TWO, { patches: [label] });
      assert.equal(code, 'InvalidManifest');
      assert.match(message, /^spec\.patches, document \d \(Deployment web\) metadata\.labels: "a" is a number/);
    });

    it('are refused where they replace an object as a whole', async () => {
      const value = { apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: 'b' } };
      const patch = [{ op: 'replace', path: '', value }];
      const { code } = await refusal(config('a'), { patches: [{ patch, target: { name: 'a' } }] });
      assert.equal(code, 'PatchFailed');
    });
  });

  describe('of Secrets', () => {
    const target = { kind: 'Secret' };

    it('are applied, and nothing else of the Secret changes', async () => {
      const made = await rendered(secret('a') + secret('b'), {
        patches: [{ patch: [add('/stringData/user', 'shop')], target: { ...target, name: 'a' } }],
      });
      assert.deepEqual(named(made, 'a').stringData, { password: PASSWORD, user: 'shop' });
      assert.deepEqual(named(made, 'b').stringData, { password: PASSWORD });
    });

    it('show no value of them when they fail', async () => {
      const failing: Required<Asked>['patches'] = [
        { patch: [{ op: 'test', path: '/stringData/password', value: 'a guess' }], target },
        { patch: [{ op: 'replace', path: '/stringData/password/a', value: 1 }], target },
        {
          patch: [{ op: 'copy', from: '/stringData', path: '/metadata/labels' }, add('/metadata/labels/b', 1)],
          target,
        },
        { patch: { apiVersion: 'v1', kind: 'Secret', metadata: { name: 'a' }, stringData: ['a'] } },
        { patch: { apiVersion: 'v1', kind: 'Secret', metadata: { name: 'a' }, stringData: { password: { a: 'b' } } } },
        { patch: [{ op: 'copy', from: '/stringData/password', path: '/kind' }], target },
        { patch: [{ op: 'copy', from: '/stringData/password', path: '/metadata/name' }], target },
        { patch: [{ op: 'copy', from: '/stringData/password', path: '/metadata/namespace' }], target },
        { patch: [{ op: 'copy', from: '/stringData/password', path: '/apiVersion' }], target },
        { patch: [{ op: 'replace', path: '/kind', value: 'ConfigMap' }], target },
        {
          patch: [
            { op: 'move', from: '/stringData', path: '/data' },
            { op: 'replace', path: '/kind', value: 'ConfigMap' },
          ],
          target,
        },
      ];
      for (const patch of failing) {
        const { code, message } = await refusal(secret('a') + config('c'), { patches: [patch] });
        assert.ok(['PatchFailed', 'InvalidManifest'].includes(code), `${code} ${message}`);
        assert.doesNotMatch(message, /correct|horse/);
      }
    });

    it('take no mark away that says that an object holds the value of one', async () => {
      const job = `kind: Job\napiVersion: batch/v1\nmetadata: {name: j, annotations: {${annotations.holdsSecret}: "true"}}\nspec: {a: ${PASSWORD}}\n`;
      const patch = [{ op: 'remove', path: '/metadata/annotations' }];
      const made = await rendered(job, { patches: [{ patch, target: { kind: 'Job' } }] });
      assert.deepEqual(named(made, 'j').metadata.annotations, { [annotations.holdsSecret]: 'true' });
    });

    it('are read by kustomize from a place in memory, and leave nothing there', async () => {
      if (!existsSync('/dev/shm')) return void assert.notEqual(process.platform, 'linux');
      const script = join(dir, 'kustomize-that-looks');
      const lines = [
        '#!/bin/sh',
        'export PATH=/usr/bin:/bin',
        'dir=$(dirname "$2")',
        `found=$(grep -rl ${PASSWORD} "$dir" /dev/shm/metricops-render-* | tr '\\n' ' ')`,
        'echo "{apiVersion: v1, kind: ConfigMap, metadata: {name: c}, data: {found: \'$found\'},"',
        'echo " metricops.dev/marks: {at: $(basename "$dir")-1}}"',
      ];
      writeFileSync(script, `${lines.join('\n')}\n`, { mode: 0o755 });
      const asked: Asked = { patches: [{ patch: [add('/metadata/labels', {})], target: { kind: '.*', name: 'c' } }] };
      const made = await rendered(secret('a') + config('c'), { ...asked, images: [] }, script);
      const { found } = named(made, 'c').data as { found: string };
      const files = found.trim().split(' ');
      assert.equal(files.length, 1, found);
      assert.match(found, /^\/dev\/shm\/metricops-render-/);
      assert.deepEqual(files.filter(existsSync), []);
      assert.deepEqual(
        readdirSync(dir).filter((name) => name.startsWith('metricops-render-')),
        [],
      );
    });
  });
}).timeout(120_000);
