import assert from 'node:assert/strict';
import { describe, it } from 'mocha';
import { z } from 'zod';
import { kinds, openAPISchema } from './crd.ts';
import { type StructuralSchema, structural } from './structural.ts';

const of = (schema: z.ZodType): StructuralSchema => structural(z.toJSONSchema(schema, { io: 'input' }));

describe('a structural schema', () => {
  it('says exclusive bounds as OpenAPI v3 does', () => {
    assert.deepEqual(of(z.number().gt(0).lt(100)), {
      type: 'number',
      minimum: 0,
      exclusiveMinimum: true,
      maximum: 100,
      exclusiveMaximum: true,
    });
  });

  it('has whole numbers of 64 bits, without the bounds that only JavaScript has', () => {
    assert.deepEqual(of(z.int()), { type: 'integer', format: 'int64' });
  });

  it('requires what has no default, and lets the API server drop what it does not know', () => {
    const schema = of(z.strictObject({ a: z.string(), b: z.string().default('x'), c: z.string().optional() }));
    assert.deepEqual(schema.required, ['a']);
    assert.equal(schema.additionalProperties, undefined);
    assert.equal(schema.properties?.b?.default, 'x');
  });

  it('makes a map of a record and an enumeration of a literal', () => {
    assert.deepEqual(of(z.record(z.string(), z.string())).additionalProperties, { type: 'string' });
    assert.deepEqual(of(z.literal('Held')).enum, ['Held']);
  });

  it('says nothing of the members of an object that may hold anything', () => {
    const open = z.record(z.string(), z.unknown()).meta({ 'x-kubernetes-preserve-unknown-fields': true });
    assert.deepEqual(of(open), { type: 'object', 'x-kubernetes-preserve-unknown-fields': true });
  });

  it('turns a pattern with words into a rule that speaks them, and keeps one without', () => {
    const spoken = of(
      z
        .string()
        .regex(/^a\/b$/)
        .max(9)
        .meta({ patternMessage: 'write a/b' }),
    );
    assert.deepEqual(spoken['x-kubernetes-validations'], [{ rule: "self.matches(r'^a/b$')", message: 'write a/b' }]);
    assert.equal(spoken.pattern, undefined);
    assert.equal(of(z.string().regex(/^a$/)).pattern, '^a$');
  });

  it('refuses what it can not say, by name and place', () => {
    const schema = z.strictObject({ inner: z.union([z.strictObject({}), z.string()]) });
    assert.throws(() => of(schema), /\$\.inner: no structural form of the keyword "anyOf"/);
  });

  it('gives every rule a message, and every string that a rule reads a length, or its cost has no bound', () => {
    const walk = (schema: StructuralSchema, path: string): void => {
      for (const rule of schema['x-kubernetes-validations'] ?? []) {
        assert.ok(rule.message, `${path}: ${rule.rule}`);
        if (schema.type === 'string') assert.ok(schema.maxLength, `${path} has no maxLength`);
      }
      for (const [name, inner] of Object.entries(schema.properties ?? {})) walk(inner, `${path}.${name}`);
      if (schema.items) walk(schema.items, `${path}[]`);
    };
    for (const { kind, schema } of schemas()) walk(schema, kind);
  });
});

const schemas = (): { kind: string; schema: StructuralSchema }[] =>
  kinds.map((definition) => ({ kind: definition.kind, schema: openAPISchema(definition) }));

/** Every field of the schema by its path. What Kubernetes itself declares, the metadata and the conditions, is left out. */
const fieldsOf = (schema: StructuralSchema, path: string): { path: string; field: StructuralSchema }[] => [
  { path, field: schema },
  ...Object.entries(schema.properties ?? {})
    .filter(([name]) => !['apiVersion', 'kind', 'metadata', 'conditions'].includes(name) || path.includes('.'))
    .flatMap(([name, field]) => (name === 'conditions' ? [] : fieldsOf(field, `${path}.${name}`))),
  ...(schema.items ? fieldsOf(schema.items, `${path}[]`) : []),
  ...(schema.additionalProperties ? fieldsOf(schema.additionalProperties, `${path}{}`) : []),
];

describe('the schemas of the kinds', () => {
  const all = schemas().flatMap(({ kind, schema }) => fieldsOf(schema, kind));
  const pathsOf = (wrong: (field: StructuralSchema) => boolean): string[] =>
    all.filter(({ field }) => wrong(field)).map(({ path }) => path);

  it('have no number with a fraction: clients in other languages round it differently', () => {
    assert.ok(all.length > 200);
    assert.deepEqual(
      pathsOf(({ type }) => type === 'number'),
      [],
    );
  });

  it('name a time as fooTime, as Kubernetes does', () => {
    const times = all
      .filter(({ field }) => field.format === 'date-time')
      .map(({ path }) => path.split('.').at(-1) ?? '');
    // startsAt is the word of Alertmanager; verdict.time and timeline[].time stand in an object that says of what.
    assert.deepEqual([...new Set(times.filter((name) => !name.endsWith('Time')))].toSorted(), ['startsAt', 'time']);
  });

  it('point at other objects with fooRef, and its name', () => {
    for (const { path, field } of all.filter(({ path }) => path.endsWith('Ref'))) {
      assert.equal(field.type, 'object', path);
      assert.ok(field.required?.includes('name'), path);
    }
  });

  it('report the generation that every status is about', () => {
    for (const { kind, schema } of schemas()) {
      const { status } = schema.properties ?? {};
      if (status) assert.ok(status.properties?.observedGeneration && status.properties.conditions, kind);
    }
  });

  it('say what every field means', () => {
    const silent = all.filter(({ path, field }) => !field.description && !/(\[\]|\{\}|\.spec|\.status)$/.test(path));
    assert.deepEqual(
      silent.map(({ path }) => path),
      [],
    );
  });
});
