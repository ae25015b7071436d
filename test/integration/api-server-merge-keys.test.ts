import assert from 'node:assert/strict';
import { describe, it } from 'mocha';
import { type ResourceType, resources } from '../../src/kube/index.ts';
import { type Merge, mergeOf } from '../support/api-server/field-sets.ts';
import { useControlPlane } from '../support/cluster.ts';

interface Schema {
  $ref?: string;
  allOf?: Schema[];
  items?: Schema;
  type?: string;
  properties?: Record<string, Schema>;
  'x-kubernetes-list-type'?: string;
  'x-kubernetes-list-map-keys'?: string[];
  'x-kubernetes-map-type'?: string;
}

interface Field {
  steps: readonly string[];
  merge: Merge;
}

/** Built-in kinds that tests apply. */
const KINDS: readonly ResourceType[] = [
  resources.configMaps,
  resources.secrets,
  resources.services,
  resources.serviceAccounts,
  resources.deployments,
  resources.statefulSets,
];

/** As the API server says it. A list that says nothing is replaced as a whole, as everywhere in the memory. */
const mergeIn = (schema: Schema, target: Schema): Merge => {
  const keys = schema['x-kubernetes-list-map-keys'];
  if (schema['x-kubernetes-list-type'] === 'map' && keys) return { by: keys };
  if (schema['x-kubernetes-list-type'] === 'set') return 'set';
  const isMap = schema.type !== 'array' && target.type === 'object';
  const isWhole = [schema, target].some((one) => one['x-kubernetes-map-type'] === 'atomic');
  return isMap && isWhole ? 'whole' : undefined;
};

const fieldsOf = (schemas: Record<string, Schema>, root: Schema): Field[] => {
  const found: Field[] = [];
  const targetOf = (schema: Schema): Schema => {
    const ref = schema.$ref ?? schema.allOf?.[0]?.$ref;
    return ref === undefined ? schema : (schemas[ref.split('/').at(-1) ?? ''] ?? schema);
  };
  const visit = (schema: Schema, steps: readonly string[]): void => {
    const target = targetOf(schema);
    if (steps.length > 14) return; // JSONSchemaProps and the like contain themselves
    for (const [name, child] of Object.entries(target.properties ?? {})) {
      const here = [...steps, `f:${name}`];
      const merge = mergeIn(child, targetOf(child));
      if (merge !== undefined) found.push({ steps: here, merge });
      if (merge === 'whole' || name === 'managedFields') continue;
      if (child.items) visit(child.items, typeof merge === 'object' ? [...here, 'k:{}'] : here);
      else visit(child, here);
    }
  };
  visit(root, []);
  return found;
};

describe('the API server in memory', () => {
  const plane = useControlPlane();

  it('merges lists and maps by the keys that kube-apiserver publishes', async () => {
    const wrong = new Set<string>();
    for (const { group, version, kind } of KINDS) {
      const path = group === '' ? `api/${version}` : `apis/${group}/${version}`;
      const document = await plane().client.raw('GET', `/openapi/v3/${path}`);
      const { schemas } = (document as { components: { schemas: Record<string, Schema> } }).components;
      const name = Object.keys(schemas).find((one) => one.endsWith(`.${version}.${kind}`)) ?? '';
      for (const { steps, merge } of fieldsOf(schemas, schemas[name] ?? {})) {
        const ours = mergeOf(steps);
        if (JSON.stringify(ours) !== JSON.stringify(merge))
          wrong.add(`${steps.at(-1)}: ${JSON.stringify(ours)}, and ${kind} has ${JSON.stringify(merge)}`);
      }
    }
    assert.deepEqual([...wrong].toSorted(), []);
  });
});
