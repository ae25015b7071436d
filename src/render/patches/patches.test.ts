import assert from 'node:assert/strict';
import { describe, it } from 'mocha';
import type { KubeObject } from '../../api/meta.ts';
import { images as imagesSchema, patches as patchesSchema } from '../../api/patching.ts';
import { concerned } from './concerned.ts';
import { imagesIn, imagesOf, isImage } from './images.ts';
import { asYaml } from './write.ts';

const object = (kind: string, more: object = {}): KubeObject => ({
  apiVersion: 'v1',
  kind,
  metadata: { name: kind.toLowerCase() },
  ...more,
});
const pod = object('Pod', { spec: { containers: [{ image: 'a:1' }] } });
const definition = object('CustomResourceDefinition', { spec: { containers: [{ image: 'a:1' }] } });
const ALL = [pod, definition, object('Secret'), object('ConfigMap')];

describe('the objects that patches are about', () => {
  const kinds = async (patch: object | undefined): Promise<string> => {
    const patches = patchesSchema.parse(patch ? [patch] : []);
    const images = patch ? new Map() : await imagesOf(ALL);
    return concerned(ALL, { patches }, images)
      .map(({ kind }) => kind)
      .join(' ');
  };
  const cases: [what: string, kinds: string, patch?: object][] = [
    ['are those of the kind of the target', 'Secret', { patch: '[]', target: { kind: 'Secret' } }],
    [
      'are all where the kind is a regular expression, or there is none',
      'Pod CustomResourceDefinition Secret ConfigMap',
      { patch: '[]', target: { kind: 'Secret|Pod' } },
    ],
    [
      'are all where a selector says which',
      ALL.map(({ kind }) => kind).join(' '),
      { patch: '[]', target: { name: 'a' } },
    ],
    ['are those of the kinds that a patch without target names', 'ConfigMap', { patch: 'kind: ConfigMap' }],
    [
      'are all where one is renamed',
      ALL.map(({ kind }) => kind).join(' '),
      { patch: '- {op: replace, path: /metadata/name, value: b}', target: { kind: 'Secret' } },
    ],
    [
      'are not all where a label is changed',
      'Secret',
      { patch: '- {op: add, path: /metadata/labels/a, value: b}', target: { kind: 'Secret' } },
    ],
    ['are those with containers for an image, without definitions', 'Pod'],
  ];
  for (const [what, wanted, patch] of cases) it(what, async () => assert.equal(await kinds(patch), wanted));
});

describe('images', () => {
  it('are those of containers at any depth, and of volumes', () => {
    const template = {
      initContainers: [{ image: 'a' }],
      containers: [{ image: 'b' }, { name: 'c' }, null],
      volumes: [{ image: { reference: 'd' } }, { configMap: {} }],
    };
    assert.deepEqual(imagesIn(object('CronJob', { spec: { jobTemplate: { spec: { template } } }, image: 'no' })), [
      'a',
      'b',
      'd',
    ]);
  });

  it('have a name without tag and digest', () => {
    assert.deepEqual(
      ['a/b', 'a/b:1', 'a/b@sha256:1', 'a/b:1@sha256:1', 'a/bc', 'x/a/b:1'].map((image) => isImage(image, 'a/b')),
      [true, true, true, true, false, false],
    );
  });

  it('need a change, and a name that is no regular expression', () => {
    assert.match(imagesSchema.safeParse([{ name: 'a' }]).error?.message ?? '', /set newName, newTag, or digest/);
    assert.equal(imagesSchema.safeParse([{ name: 'a(', newTag: '1' }]).success, false);
    assert.equal(imagesSchema.safeParse([{ name: 'localhost:5000/a_b/c-d.e', newTag: '1' }]).success, true);
  });
});

describe('a patch', () => {
  for (const patch of ['[{"op": "remove", "path": "/a"}]', '- op: remove\n  path: /a', '\n - {op: remove, path: /a}'])
    it(`needs a target where it is JSON 6902: ${JSON.stringify(patch)}`, () => {
      assert.match(patchesSchema.safeParse([{ patch }]).error?.message ?? '', /a JSON 6902 patch needs a target/);
      assert.equal(patchesSchema.safeParse([{ patch, target: { kind: 'Pod' } }]).success, true);
    });

  it('needs none where it names its object', () => {
    assert.equal(patchesSchema.safeParse([{ patch: '---\nkind: Pod' }]).success, true);
  });
});

describe('JSON for a reader of YAML', () => {
  it('has no character that ends a line, or is none', () => {
    const text = 'a\u0085b\u2028c\u2029d\u007fe\ufefff ü 😀';
    const json = asYaml(JSON.stringify({ text }));
    assert.match(json, /^[\x20-\x7eü\u{1f600}]*$/u);
    assert.deepEqual(JSON.parse(json), { text });
  });
});
