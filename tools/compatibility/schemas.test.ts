import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { loadAll } from 'js-yaml';
import { describe, it } from 'mocha';
import { type CustomResourceDefinition, crds } from '../../src/api/crd.ts';
import type { StructuralSchema } from '../../src/api/structural.ts';
import { breaksOf, breaksOfKind, servedKind } from './schemas.ts';

const FIXTURES = join(import.meta.dirname, '../../test/fixtures');

const WHAT_TO_DO = `Objects and manifests of that version would lose something, or would be refused. Keep the field as it was:
leave a removed one optional and say in its description what replaces it, give a new one a default instead of requiring
it, keep the values of an enumeration. Where it has to change, serve a new version of the API beside this one, with a
conversion: docs/api-versions.md.`;

describe('the kinds of released versions', () => {
  const today = new Map(crds().map((crd) => [crd.metadata.name, servedKind(crd)]));

  for (const version of readdirSync(FIXTURES))
    it(`of ${version} are all served today, and nothing of theirs is gone, required or narrower`, () => {
      const text = readFileSync(join(FIXTURES, version, 'install.yaml'), 'utf8');
      const objects = loadAll(text).filter((object): object is CustomResourceDefinition => isDefinition(object));
      assert.ok(objects.length >= 8);
      const breaks = objects.map(servedKind).flatMap((old) => breaksOfKind(old, today.get(old.name)));
      assert.deepEqual(breaks, [], `${breaks.join('\n')}\n${WHAT_TO_DO}`);
    });
});

const isDefinition = (object: unknown): boolean =>
  (object as { kind?: string } | null)?.kind === 'CustomResourceDefinition';

describe('an incompatible change of a schema', () => {
  const object = (
    properties: Record<string, StructuralSchema>,
    rest: Partial<StructuralSchema> = {},
  ): StructuralSchema => ({ type: 'object', properties, ...rest });
  const text: StructuralSchema = { type: 'string' };

  for (const [what, old, now, found] of [
    ['a field that is gone', object({ a: text }), object({}), ['X.a: the field is gone']],
    [
      'another type',
      object({ a: text }),
      object({ a: { type: 'integer' } }),
      ['X.a: the type was string, and is integer'],
    ],
    ['a new required field', object({}), object({ a: text }, { required: ['a'] }), ['X.a: is required, and was not']],
    [
      'a field that became required',
      object({ a: text }),
      object({ a: text }, { required: ['a'] }),
      ['X.a: is required, and was not'],
    ],
    [
      'a narrower enumeration',
      { ...text, enum: ['a', 'b'] },
      { ...text, enum: ['b', 'c'] },
      ['X: no longer takes "a"'],
    ],
    [
      'an enumeration where there was none',
      text,
      { ...text, enum: ['a'] },
      ['X: took every value, and now only ["a"]'],
    ],
    ['a lower limit', { ...text, maxLength: 9 }, { ...text, maxLength: 8 }, ['X: maxLength was 9, and is 8']],
    ['a limit where there was none', text, { ...text, minLength: 1 }, ['X: minLength was not set, and is 1']],
    ['another pattern', text, { ...text, pattern: '^a$' }, ['X: pattern was not set, and is "^a$"']],
    [
      'in the items of a list',
      { type: 'array', items: object({ a: text }) },
      { type: 'array', items: object({}) },
      ['X[].a: the field is gone'],
    ],
    [
      'in the values of a map',
      { type: 'object', additionalProperties: text },
      { type: 'object', additionalProperties: { type: 'integer' } },
      ['X.*: the type was string, and is integer'],
    ],
    [
      'a map that became an object',
      { type: 'object', additionalProperties: text },
      object({}),
      ['X: took any names, and now only those of its schema'],
    ],
    [
      'an object that held anything',
      { type: 'object', 'x-kubernetes-preserve-unknown-fields': true },
      object({}),
      ['X: held any fields, and now only those of its schema'],
    ],
    [
      'other keys of a list',
      { type: 'array', 'x-kubernetes-list-type': 'map', 'x-kubernetes-list-map-keys': ['name'] },
      { type: 'array', 'x-kubernetes-list-type': 'atomic', 'x-kubernetes-list-map-keys': ['name'] },
      ['X: x-kubernetes-list-type was "map", and is "atomic"'],
    ],
  ] as const satisfies readonly (readonly [string, StructuralSchema, StructuralSchema, readonly string[]])[])
    it(`is ${what}`, () => assert.deepEqual(breaksOf(old, now, 'X'), found));

  it('is none where fields, values and room are only added', () => {
    const old = object({ a: { ...text, enum: ['a'], maxLength: 5 } }, { required: ['a'] });
    const now = object({ a: { ...text, enum: ['a', 'b'] }, b: { ...text, default: 'x' } });
    assert.deepEqual(breaksOf(old, now, 'X'), []);
  });

  it('is a kind, a version or a status that is gone, and another scope', () => {
    const [first] = crds();
    assert.ok(first);
    const old = servedKind(first);
    assert.deepEqual(breaksOfKind(old, undefined), ['GitSync: the kind is gone']);
    assert.deepEqual(breaksOfKind(old, { ...old, scope: 'Cluster', versions: new Map() }), [
      'GitSync: the scope was Namespaced, and is Cluster',
      'GitSync v1alpha1: the version is no longer served',
    ]);
    const bare = new Map([...old.versions].map(([name, version]) => [name, { ...version, hasStatus: false }]));
    assert.deepEqual(breaksOfKind(old, { ...old, versions: bare }), [
      'GitSync v1alpha1: the subresource status is gone',
    ]);
  });
});
