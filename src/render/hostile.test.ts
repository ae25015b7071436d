import assert from 'node:assert/strict';
import fc from 'fast-check';
import { describe, it } from 'mocha';
import { describeKey, groupOf, type KubeObject, keyOf, keyString, parseKey, versionOf } from '../api/meta.ts';
import { ReasonError } from '../api/reason-error.ts';
import { readJson, writeJson } from '../json.ts';
import { contentHash, digestsOf, liveDigest, withVersionedConfig } from '../snapshot/index.ts';
import { differenceOf } from '../ssa/diff.ts';
import { batchesOf, stageOf, waveOf } from '../sync/plan/apply-order.ts';
import { parseAll } from './parse.ts';
import { parseManifests } from './yaml.ts';

const KEY = Buffer.from('0123456789abcdef0123456789abcdef');

/** What a sync asks of rendered objects before the first of them is sent. */
const everything = (objects: readonly KubeObject[]): void => {
  for (const object of objects) {
    assert.equal(keyString(parseKey(keyString(keyOf(object)))), keyString(keyOf(object)));
    describeKey(keyOf(object));
    versionOf(object.apiVersion);
    assert.equal(typeof waveOf(object), 'number');
    stageOf(object);
    contentHash(object, KEY);
    digestsOf(object, objects, KEY);
    liveDigest(object.spec);
    differenceOf(object, { ...object, spec: 1 }, 'metricops/a/b');
    assert.deepEqual(readJson(writeJson(object)), readJson(writeJson(object)));
  }
  batchesOf(objects.map((object) => ({ object })));
  withVersionedConfig(objects, KEY);
};

const config = (more: string, kind = 'ConfigMap'): string =>
  `apiVersion: v1\nkind: ${kind}\nmetadata:\n  name: db\n  namespace: shop\n  ${more}\n`;
const secret = (more: string): string => config('', 'Secret') + more;

describe('a hostile or mistyped manifest', () => {
  const refused: [what: string, text: string, says: RegExp][] = [
    [
      'a wave without quotes',
      config('annotations: {metricops.dev/wave: 2}'),
      /annotations: "metricops.dev\/wave" is a number/,
    ],
    [
      'a wave of Argo CD',
      config('annotations: {argocd.argoproj.io/sync-wave: -1}'),
      /"argocd.argoproj.io\/sync-wave" is a number/,
    ],
    ['yes as an annotation', config('annotations: {a: yes}'), /metadata.annotations: "a" is true or false, not text/],
    [
      'a label that is a number',
      config('labels: {version: 1.10}'),
      /metadata.labels: "version" is a number, not text: write it in quotes/,
    ],
    [
      'an object that the API server never takes',
      `${config('')}data:\n  text: ${'a'.repeat(3 * 1024 * 1024)}\n`,
      /\(ConfigMap db\) has 3.1 MB; the API server takes 3145728 bytes/,
    ],
    ['a label of 64 bits', config('labels: {id: 1234567890123456789}'), /metadata.labels: "id" is a number/],
    ['a label that is a list', config('labels: {a: [b]}'), /"a" is a list, not text: text is needed/],
    ['labels that are a list', config('labels: [a]'), /metadata.labels is a list, not a map of text/],
    ['annotations that are text', config('annotations: a=b'), /metadata.annotations is text, not a map/],
    ['a port of a Secret', secret('stringData: {port: 5432}'), /Secret shop\/db\) stringData: "port" is a number/],
    ['true in a Secret', secret('stringData: {tls: true}'), /stringData: "tls" is true or false/],
    ['a map in a Secret', secret('data: {a: {b: c}}'), /data: "a" is a map/],
    ['a Secret of text', secret('stringData: hunter2'), /stringData is text, not a map/],
    ['a number of a ConfigMap', `${config('')}data: {port: 5432}`, /ConfigMap shop\/db\) data: "port" is a number/],
    [
      'a name that is a number',
      'apiVersion: v1\nkind: Pod\nmetadata: {name: 12}',
      /\(Pod\) has no metadata.name that is text; a number/,
    ],
    ['a name that is a map', 'apiVersion: v1\nkind: Pod\nmetadata: {name: {a: b}}', /no metadata.name that is text/],
    [
      'a namespace that is a number',
      'apiVersion: v1\nkind: Pod\nmetadata: {name: a, namespace: 1}',
      /namespace is a number/,
    ],
    ['metadata that is null', 'apiVersion: v1\nkind: Pod\nmetadata:', /\(Pod\) has no metadata/],
    ['metadata that is a list', 'apiVersion: v1\nkind: Pod\nmetadata: [name]', /\(Pod\) has no metadata/],
    [
      'an apiVersion that is a number',
      'apiVersion: 1\nkind: Pod\nmetadata: {name: a}',
      /needs apiVersion and kind, which are text/,
    ],
    ['an apiVersion that is null', 'apiVersion:\nkind: Pod\nmetadata: {name: a}', /needs apiVersion and kind/],
    ['a kind that is true', 'apiVersion: v1\nkind: yes\nmetadata: {name: a}', /needs apiVersion and kind/],
    [
      'an apiVersion that leads elsewhere',
      'apiVersion: ../../api/v1\nkind: Pod\nmetadata: {name: a}',
      /is no apiVersion/,
    ],
    [
      'a pod label without quotes',
      'apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: web}\nspec: {template: {metadata: {labels: {v: 2}}}}',
      /Deployment web\) spec.template.metadata.labels: "v" is a number/,
    ],
    [
      'a pod annotation of a CronJob',
      'apiVersion: batch/v1\nkind: CronJob\nmetadata: {name: c}\nspec: {jobTemplate: {spec: {template: {metadata: {annotations: {a: 1}}}}}}',
      /spec.jobTemplate.spec.template.metadata.annotations: "a"/,
    ],
    [
      'an item of a List',
      'apiVersion: v1\nkind: List\nitems: [{apiVersion: v1, kind: ConfigMap, metadata: {name: a, labels: {b: 1}}}]',
      /document 1, item 1 \(ConfigMap a\) metadata.labels/,
    ],
    ['an item that is null', 'apiVersion: v1\nkind: List\nitems: [~]', /item 1 is not a Kubernetes object/],
    [
      'Lists in Lists without end',
      `${'{"apiVersion":"v1","kind":"List","items":['.repeat(60)}${']}'.repeat(60)}`,
      /nesting exceeded|InvalidYAML|is not YAML/,
    ],
    [
      'more objects than a sync takes',
      'apiVersion: v1\nkind: A\nmetadata: {name: a}\n---\n'.repeat(10_001),
      /document 10001: one sync takes 10000 objects/,
    ],
    [
      'a bomb of aliases',
      `a: &a [${'x,'.repeat(100)}]\nb: &b [${'*a,'.repeat(100)}]\nc: [${'*b,'.repeat(100)}]`,
      /one sync takes 500000 values/,
    ],
  ];
  for (const [what, text, says] of refused) {
    it(`is refused with its place: ${what}`, () =>
      assert.throws(
        () => parseManifests(text, 'shop/a.yaml'),
        (e: ReasonError) => e instanceof ReasonError && says.test(e.message) && e.message.startsWith('shop/a.yaml'),
      ));
  }

  it('is refused where several files hold more than one sync takes', () => {
    const values = `apiVersion: v1\nkind: A\nmetadata: {name: NAME}\na: [${'1,'.repeat(300_000)}]`;
    const files = ['one', 'two'].map((name) => ({ file: `${name}.yaml`, text: values.replace('NAME', name) }));
    assert.throws(() => parseAll(files), /two.yaml, document 1: one sync takes 500000 values/);
  });

  for (const text of [
    secret('stringData: {hunter2: 1, password: [hunter3]}').replace('hunter2', 'a'),
    secret('stringData: {password: *hunter3}'),
    secret('stringData: {password: !hunter3 x}'),
    secret('stringData: {password: !<!hunter3> x}'),
    secret('stringData: {password: !a"hunter3 x}'),
    secret('stringData:\n  password: "hunter3\n'),
    secret('stringData:\n  password: hunter3\n bad'),
    secret('data: hunter3'),
  ]) {
    it(`shows nothing of a Secret: ${JSON.stringify(text.slice(62))}`, () =>
      assert.throws(
        () => parseManifests(text, 'a.yaml'),
        (e: ReasonError) => e instanceof ReasonError && !`${e.stack}${e.cause}`.includes('hunter3'),
      ));
  }

  const passed: [what: string, text: string][] = [
    ['an empty wave', config('annotations: {metricops.dev/wave: }')],
    ['labels that are null', config('labels:\n  annotations: ~')],
    ['a namespace that is null', 'apiVersion: v1\nkind: Pod\nmetadata: {name: a, namespace: }'],
    ['null in a Secret', secret('stringData: {a: , b: x}\ndata: {c: }')],
    ['null in a ConfigMap', `${config('')}data: {a: }\nbinaryData:`],
    [
      'a scaleTargetRef without version',
      'apiVersion: autoscaling/v2\nkind: HorizontalPodAutoscaler\nmetadata: {name: a}\nspec: {scaleTargetRef: {apiVersion: , kind: Deployment, name: web}}',
    ],
    ['a Service that selects nothing', 'apiVersion: v1\nkind: Service\nmetadata: {name: a}\nspec: {selector: }'],
    ['a template that is text', 'apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: a}\nspec: {template: no}'],
    ['spec that is a list', 'apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: a}\nspec: [1]'],
    [
      'containers that are a map',
      'apiVersion: v1\nkind: Pod\nmetadata: {name: a}\nspec: {containers: {a: b}, volumes: [~, 1]}',
    ],
    [
      '__proto__ as a key',
      'apiVersion: v1\nkind: ConfigMap\nmetadata: {name: a, labels: {__proto__: b}}\ndata: {__proto__: c, constructor: d}',
    ],
    [
      'a definition without names',
      'apiVersion: apiextensions.k8s.io/v1\nkind: CustomResourceDefinition\nmetadata: {name: a}\nspec: {names: 1}',
    ],
    ['64 bits', 'apiVersion: ex.io/v1\nkind: A\nmetadata: {name: a}\nspec: {i: 9223372036854775807}'],
  ];
  for (const [what, text] of passed) {
    it(`is left to the API server: ${what}`, () => {
      const objects = parseManifests(text, 'a.yaml');
      assert.equal(objects.length, 1);
      everything(objects);
    });
  }

  it('has null where text belongs read as the API server does: as an empty text', () => {
    const [object] = parseManifests(config('labels: {a: , b: c}'), 'a.yaml');
    assert.deepEqual(object?.metadata.labels, { a: '', b: 'c' });
    const [made] = parseManifests(secret('stringData: {a: , b: c}'), 'a.yaml');
    assert.deepEqual(made?.stringData, { a: '', b: 'c' });
  });

  it('never ends anything with a TypeError, whatever JSON it is', () => {
    const names = fc.constantFrom(
      'apiVersion',
      'kind',
      'metadata',
      'name',
      'namespace',
      'labels',
      'annotations',
      'spec',
      'template',
      'items',
      'data',
      'stringData',
      'containers',
      'volumes',
      'metricops.dev/wave',
      'metricops.dev/versioned',
      '__proto__',
    );
    const texts = fc.constantFrom(
      'v1',
      'apps/v1',
      'ex.io/v1',
      'ConfigMap',
      'Secret',
      'Deployment',
      'List',
      'true',
      '2',
      '',
    );
    const { value } = fc.letrec<{ value: unknown }>((tie) => ({
      value: fc.oneof(
        { maxDepth: 6, withCrossShrink: true },
        fc.oneof(texts, fc.jsonValue({ maxDepth: 1 }), fc.bigInt({ min: -(2n ** 63n), max: 2n ** 64n - 1n })),
        fc.array(tie('value'), { maxLength: 3 }),
        fc.dictionary(names, tie('value'), { maxKeys: 5, noNullPrototype: true }),
      ),
    }));
    const object = fc.record(
      {
        apiVersion: fc.oneof({ weight: 4, arbitrary: texts }, value),
        kind: fc.oneof({ weight: 4, arbitrary: texts }, value),
        metadata: fc.oneof(
          {
            weight: 4,
            arbitrary: fc.record(
              { name: fc.oneof(texts, value), labels: value, annotations: value },
              { noNullPrototype: true },
            ),
          },
          value,
        ),
        spec: value,
        data: value,
        stringData: value,
        items: value,
      },
      { requiredKeys: ['apiVersion', 'kind', 'metadata'], noNullPrototype: true },
    );
    fc.assert(
      fc.property(fc.array(fc.oneof({ weight: 5, arbitrary: object }, value), { maxLength: 4 }), (documents) => {
        const manifests = documents.map((document, i) => ({ file: `${i}.json`, text: writeJson(document) }));
        try {
          everything(parseAll(manifests));
        } catch (error) {
          if (!(error instanceof ReasonError)) throw error;
        }
      }),
      { numRuns: 2000 },
    );
  });

  it('may be of a custom kind that is called Secret, with anything in it', () => {
    const custom = {
      apiVersion: 'example.com/v1',
      kind: 'Secret',
      metadata: { name: 'a' },
      stringData: { a: null, b: [1] },
    };
    everything(parseAll([{ file: 'a.json', text: JSON.stringify(custom) }]));
  });

  it('has a group only where that is text', () => {
    for (const apiVersion of [null, undefined, 1, 1n, [], {}, true]) assert.equal(groupOf(apiVersion), '');
  });
});
