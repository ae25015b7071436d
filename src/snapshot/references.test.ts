import assert from 'node:assert/strict';
import * as client from '@kubernetes/client-node';
import { describe, it } from 'mocha';
import { configReferencesIn, REFERENCE_PATHS, referencesOf } from './references.ts';

const podSpecWith = (place: string, name: string): unknown =>
  place
    .split('.')
    .reduceRight<unknown>((inner, step) => (step === '*' ? [{ name: 'other' }, inner] : { [step]: inner }), name);

interface Model {
  getAttributeTypeMap(): { baseName: string; type: string }[];
}
const REFERENCE = /^V1(LocalObjectReference|(ConfigMap|Secret)(EnvSource|KeySelector|Projection|VolumeSource))$/;

/** The places that the types of the client library have below `type`. */
const placesBelow = (type: string, path = '', above: readonly string[] = []): string[] => {
  const item = /^Array<(.*)>$/.exec(type)?.[1];
  if (item !== undefined) return placesBelow(item, `${path}*.`, above);
  const model = (client as Record<string, unknown>)[type] as Model | undefined;
  if (!model?.getAttributeTypeMap || above.includes(type)) return [];
  return model.getAttributeTypeMap().flatMap(({ baseName, type: member }) => {
    const names = baseName === 'secretName' || (baseName === 'name' && REFERENCE.test(type));
    if (names) return [`${type.startsWith('V1ConfigMap') ? 'ConfigMap' : 'Secret'} ${path}${baseName}`];
    return placesBelow(member, `${path}${baseName}.`, [...above, type]);
  });
};

describe('referencesOf', () => {
  it('knows every place that the Kubernetes client has in its pod spec, and no other', () => {
    const known = REFERENCE_PATHS.map(([kind, place]) => `${kind} ${place}`);
    assert.deepEqual(known.sort(), placesBelow('V1PodSpec').sort());
  });

  for (const [kind, place] of REFERENCE_PATHS) {
    it(`finds a ${kind} at ${place}`, () => {
      const { configMaps, secrets } = referencesOf({ spec: podSpecWith(place, 'wanted') });
      const [found, others] = kind === 'ConfigMap' ? [configMaps, secrets] : [secrets, configMaps];
      assert.ok(found.has('wanted'));
      assert.ok(!others.has('wanted'));
    });
  }

  it('finds nothing in a template that is damaged', () => {
    const none = { configMaps: new Set(), secrets: new Set() };
    const damaged = { containers: { env: [] }, volumes: [null, 'a', { secret: { secretName: 7 } }], initContainers: 3 };
    for (const template of [undefined, null, 'a', [], { spec: null }, { spec: damaged }]) {
      assert.deepEqual(referencesOf(template), none);
    }
    assert.deepEqual(referencesOf({ spec: { imagePullSecrets: [{ name: '' }] } }), none);
  });
});

describe('configReferencesIn', () => {
  const template = { spec: { containers: [{ envFrom: [{ configMapRef: { name: 'settings' } }] }] } };
  for (const [what, fields] of [
    ['a ReplicaSet', { kind: 'ReplicaSet', spec: { template } }],
    ['a revision of a StatefulSet', { kind: 'ControllerRevision', data: { spec: { template } } }],
    ['a snapshot', { kind: 'ControllerRevision', data: { workload: { spec: { template } } } }],
  ] as const) {
    it(`finds what the template in ${what} names`, () => {
      const found = configReferencesIn({ apiVersion: 'apps/v1', metadata: { name: 'web-1' }, ...fields });
      assert.deepEqual(found, { configMaps: new Set(['settings']), secrets: new Set() });
    });
  }
});
