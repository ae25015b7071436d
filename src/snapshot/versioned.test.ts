import assert from 'node:assert/strict';
import fc from 'fast-check';
import { describe, it } from 'mocha';
import { type KubeObject, keyOf, keyString } from '../api/meta.ts';
import { configReferencesIn, REFERENCE_PATHS } from './references.ts';
import { VERSIONED_OF, versionedOf, withVersionedConfig } from './versioned.ts';

const KEY = Buffer.from('0123456789abcdef0123456789abcdef');
const config = (kind: string, fields: object = {}, name = 'settings', namespace = 'shop'): KubeObject => ({
  apiVersion: 'v1',
  kind,
  metadata: { name, namespace, annotations: { 'metricops.dev/versioned': 'true' } },
  data: { level: 'aW5mbw==' },
  ...fields,
});
const custom = (kind: string, fields: object, namespace = 'shop'): KubeObject => ({
  apiVersion: 'example.com/v1',
  kind,
  metadata: { name: 'web', namespace },
  ...fields,
});
const podSpec = (name = 'settings') => ({ containers: [{ name, envFrom: [{ configMapRef: { name } }] }] });
const versionOf = (object: KubeObject, key = KEY): KubeObject => {
  const [version] = withVersionedConfig([object], key);
  assert.ok(version);
  return version;
};
const nameOf = (object: KubeObject, key = KEY): string => versionOf(object, key).metadata.name;

describe('the version of a ConfigMap or Secret', () => {
  it('has a name with the hash of its content, the label of its family, and is immutable', () => {
    const object = config('ConfigMap');
    const version = versionOf({ ...object, metadata: { ...object.metadata, labels: { app: 'web' } } });
    assert.equal(version.metadata.name, 'settings-e42c10a197');
    assert.deepEqual(version.metadata.labels, { app: 'web', [VERSIONED_OF]: 'settings' });
    assert.equal(version.metadata.annotations?.['metricops.dev/versioned'], 'true');
    assert.equal(version.immutable, true);
    assert.equal(version.data, object.data);
  });

  it('stays mutable where the manifest says so', () => {
    assert.equal(versionOf(config('ConfigMap', { immutable: false })).immutable, false);
  });

  for (const [what, kind, fields] of [
    ['data', 'ConfigMap', { data: { level: 'debug' } }],
    ['binaryData', 'ConfigMap', { binaryData: { logo: 'AAAA' } }],
    ['data', 'Secret', { data: { level: 'ZGVidWc=' } }],
    ['stringData', 'Secret', { stringData: { level: 'debug' } }],
    ['type', 'Secret', { type: 'kubernetes.io/tls' }],
  ] as const) {
    it(`gets another name with other ${what} of a ${kind}`, () => {
      assert.notEqual(nameOf(config(kind, fields)), nameOf(config(kind)));
    });
  }

  it('keeps its name when labels, annotations or immutable change', () => {
    const metadata = { ...config('Secret').metadata, labels: { app: 'web' } };
    assert.equal(nameOf(config('Secret', { metadata, immutable: true })), nameOf(config('Secret')));
  });

  it('has the same name for stringData as for the data that it becomes', () => {
    const plain = config('Secret', { data: undefined, stringData: { level: 'info' } });
    assert.equal(nameOf(plain), nameOf(config('Secret')));
  });

  it('does not let a Secret be guessed from its name without the key', () => {
    const other = Buffer.from('another key');
    assert.notEqual(nameOf(config('Secret'), other), nameOf(config('Secret')));
    assert.equal(nameOf(config('ConfigMap'), other), nameOf(config('ConfigMap')));
  });

  it('has a name and a label that Kubernetes takes, however long the name in Git is', () => {
    // The cut falls behind a dot, where a name may not go on with the hash's dash.
    const long = `${'a'.repeat(241)}.${'b'.repeat(11)}`;
    const { name, labels } = versionOf(config('ConfigMap', {}, long)).metadata;
    assert.match(name, /^a{241}-[0-9a-f]{10}$/);
    assert.match(labels?.[VERSIONED_OF] ?? '', /^a{52}-[0-9a-f]{10}$/);
    assert.notEqual(versionedOf(long), versionedOf(`${long}b`));
    assert.equal(nameOf(config('ConfigMap', {}, 'b'.repeat(253))).length, 253);
  });

  for (const [what, object] of [
    ['an object without the annotation', { ...config('ConfigMap'), metadata: { name: 'settings', namespace: 'shop' } }],
    ['another kind with the annotation', config('Service')],
    ['a ConfigMap of another group', { ...config('ConfigMap'), apiVersion: 'example.com/v1' }],
  ] as const) {
    it(`is not made of ${what}`, () => assert.equal(versionOf(object), object));
  }
});

describe('a reference to versioned configuration', () => {
  const both = [config('ConfigMap'), config('Secret')];
  const rewritten = (object: KubeObject): KubeObject | undefined => withVersionedConfig([...both, object], KEY).at(-1);
  const version = nameOf(config('ConfigMap'));

  for (const [kind, place] of REFERENCE_PATHS) {
    it(`is rewritten at ${place}`, () => {
      const podWith = (name: string): KubeObject => {
        const inner = place
          .split('.')
          .reduceRight<unknown>((value, step) => (step === '*' ? ['settings', value] : { [step]: value }), name);
        return custom('Pod', { spec: { containers: [], ...(inner as object) } });
      };
      assert.deepEqual(rewritten(podWith('settings')), podWith(nameOf(config(kind))));
    });
  }

  for (const [kind, wrap] of [
    ['Pod', (spec: object) => ({ spec })],
    ['Deployment', (spec: object) => ({ spec: { template: { spec } } })],
    ['CronJob', (spec: object) => ({ spec: { jobTemplate: { spec: { template: { spec } } } } })],
    ['PodTemplate', (spec: object) => ({ template: { spec } })],
    ['ScaledJob', (spec: object) => ({ spec: { jobTargetRef: { template: { spec } } } })],
    ['JobSet', (spec: object) => ({ spec: { jobs: [{ template: { spec: { template: { spec } } } }] } })],
    ['Database', (spec: object) => ({ spec: { podTemplate: { spec } } })],
    ['Cache', (spec: object) => ({ spec: { podTemplateSpec: { spec } } })],
  ] as const) {
    it(`is rewritten in the pod spec of a ${kind}`, () => {
      const spec = podSpec(version);
      const expected = { containers: spec.containers.map((container) => ({ ...container, name: 'settings' })) };
      assert.deepEqual(rewritten(custom(kind, wrap(podSpec()))), custom(kind, wrap(expected)));
    });
  }

  it('is rewritten in a pod spec whose containers an operator fills in', () => {
    const withVolume = (name: string) =>
      custom('Database', { spec: { podTemplate: { spec: { volumes: [{ configMap: { name } }] } } } });
    assert.deepEqual(rewritten(withVolume('settings')), withVolume(version));
  });

  for (const [what, object] of [
    ['the TLS of an Ingress', custom('Ingress', { spec: { tls: [{ secretName: 'settings' }] } })],
    ['a ServiceAccount', custom('ServiceAccount', { imagePullSecrets: [{ name: 'settings' }] })],
    ['a pod of another namespace', custom('Pod', { spec: podSpec() }, 'next-door')],
    ['a pod that names another ConfigMap', custom('Pod', { spec: podSpec('others') })],
    ['an object whose pod spec is damaged', custom('Pod', { spec: { containers: [null, { envFrom: 'settings' }] } })],
  ] as const) {
    it(`is left alone in ${what}, and the object is the same one`, () => assert.equal(rewritten(object), object));
  }

  it('is to its own kind: a Secret is not taken for a ConfigMap with its name', () => {
    const pod = custom('Pod', { spec: podSpec() });
    assert.equal(withVersionedConfig([config('Secret'), pod], KEY).at(-1), pod);
  });

  it('is rewritten where neither object has a namespace', () => {
    const [, pod] = withVersionedConfig(
      [
        { ...config('ConfigMap'), metadata: { name: 'settings', annotations: { 'metricops.dev/versioned': 'true' } } },
        { apiVersion: 'v1', kind: 'Pod', metadata: { name: 'web' }, spec: podSpec() },
      ],
      KEY,
    );
    assert.deepEqual(pod && [...configReferencesIn(pod).configMaps], [version]);
  });
});

describe('withVersionedConfig', () => {
  const name = fc.constantFrom('a', 'b', 'c.d', 'e'.repeat(253));
  const namespace = fc.constantFrom('shop', 'next-door');
  const kind = fc.constantFrom('ConfigMap', 'Secret');
  const configs = fc.uniqueArray(
    fc
      .record({
        kind,
        name,
        namespace,
        versioned: fc.boolean(),
        data: fc.dictionary(fc.string(), fc.string(), { noNullPrototype: true }),
      })
      .map(({ kind, name, namespace, versioned, data }) => {
        const object = config(kind, { data }, name, namespace);
        return versioned ? object : { ...object, metadata: { name, namespace } };
      }),
    { selector: (object) => keyString(keyOf(object)) },
  );
  const pod = fc.record({ kind, name, namespace }).map(({ kind, name, namespace }) => {
    const volume = kind === 'Secret' ? { secret: { secretName: name } } : { configMap: { name } };
    return custom('Deployment', { spec: { template: { spec: { volumes: [volume] } } } }, namespace);
  });
  const rendered = fc.tuple(configs, fc.array(pod)).map((parts) => parts.flat());

  /** Whether each ConfigMap or Secret that the object names is among `objects`. */
  const isServed = (object: KubeObject, objects: readonly KubeObject[]): boolean => {
    const { configMaps, secrets } = configReferencesIn(object);
    const there = new Set(objects.map((o) => keyString(keyOf(o))));
    const has = (kind: string) => (name: string) =>
      there.has(keyString({ group: '', kind, namespace: object.metadata.namespace ?? '', name }));
    return [...configMaps].every(has('ConfigMap')) && [...secrets].every(has('Secret'));
  };

  it('leaves every reference that had an object with one, in the same order, and its input as it was', () => {
    fc.assert(
      fc.property(rendered, (objects) => {
        const before = structuredClone(objects);
        const result = withVersionedConfig(objects, KEY);
        assert.deepEqual(objects, before);
        assert.deepEqual(
          result.map((o) => [o.kind, isServed(o, result)]),
          objects.map((o) => [o.kind, isServed(o, objects)]),
        );
      }),
    );
  });

  it('changes nothing the second time', () => {
    fc.assert(
      fc.property(rendered, (objects) => {
        const once = withVersionedConfig(objects, KEY);
        withVersionedConfig(once, KEY).forEach((object, index) => {
          assert.equal(object, once[index]);
        });
      }),
    );
  });
});
