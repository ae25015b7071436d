import assert from 'node:assert/strict';
import fc from 'fast-check';
import { dump } from 'js-yaml';
import { describe, it } from 'mocha';
import { RenderError } from './errors.ts';
import { parseManifests } from './yaml.ts';

const data = (value: string): unknown => {
  const text = `apiVersion: v1\nkind: ConfigMap\nmetadata: {name: a}\ndata: {k: ${value}}\n`;
  const [object] = parseManifests(text, 'a.yaml');
  return object?.data && (object.data as { k: unknown }).k;
};

describe('parseManifests', () => {
  // What kubectl makes of the same text.
  const corners: [string, unknown][] = [
    ['yes', true],
    ['Off', false],
    ['017', 15],
    ['0o17', 15],
    ['0x1F', 31],
    ['1_000', 1000],
    ['1e3', 1000],
    ['.5', 0.5],
    ['1:30', '1:30'],
    ['2001-01-01', '2001-01-01'],
    ['~', null],
    ['"yes"', 'yes'],
  ];
  for (const [text, value] of corners) {
    it(`reads ${text} as kubectl does`, () => assert.deepEqual(data(text), value));
  }

  it('merges, takes the last of two equal keys, and leaves out empty documents', () => {
    const text =
      '---\n---\nx: &x {a: 1}\napiVersion: v1\nkind: ConfigMap\nmetadata: {name: one, name: two}\ndata: {<<: *x, b: 2}\n---\n';
    const [object, ...others] = parseManifests(text, 'a.yaml');
    assert.equal(others.length, 0);
    assert.equal(object?.metadata.name, 'two');
    assert.deepEqual(object?.data, { a: 1, b: 2 });
  });

  it('takes Lists apart', () => {
    const item = (name: string): string => `{"apiVersion":"v1","kind":"ConfigMap","metadata":{"name":"${name}"}}`;
    const objects = parseManifests(`{"apiVersion":"v1","kind":"List","items":[${item('a')},${item('b')}]}`, 'a.json');
    assert.deepEqual(
      objects.map((o) => o.metadata.name),
      ['a', 'b'],
    );
  });

  it('stops an alias bomb, naming the document', () => {
    const levels = Array.from({ length: 9 }, (_, i) => `l${i + 1}: &l${i + 1} [${Array(9).fill(`*l${i}`).join(',')}]`);
    const bomb = `apiVersion: v1\nkind: ConfigMap\nmetadata: {name: a}\nl0: &l0 x\n${levels.join('\n')}\n`;
    assert.throws(
      () => parseManifests(bomb, 'bomb.yaml'),
      (e: RenderError) => e.code === 'ManifestTooLarge' && /bomb.yaml, document 1/.test(e.message),
    );
  });

  for (const [what, text, code] of [
    ['a text that is not YAML', 'a: [', 'InvalidYAML'],
    ['nesting without end', '['.repeat(200_000), 'InvalidYAML'],
    ['a document without kind', 'a: 1', 'InvalidManifest'],
    ['generateName', 'apiVersion: v1\nkind: Pod\nmetadata: {generateName: a-}', 'InvalidManifest'],
  ] as const) {
    it(`refuses ${what}`, () =>
      assert.throws(
        () => parseManifests(text, 'a.yaml'),
        (e: RenderError) => e instanceof RenderError && e.code === code,
      ));
  }

  it('reads back what was written', () => {
    const names = fc.stringMatching(/^[a-z]{1,8}$/);
    fc.assert(
      fc.property(fc.dictionary(names, fc.string(), { noNullPrototype: true }), (strings) => {
        const object = { apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: 'a' }, data: strings };
        assert.deepEqual(parseManifests(JSON.stringify(object), 'a.json'), [object]);
        assert.deepEqual(parseManifests(dump(object), 'a.yaml'), [object]);
      }),
    );
  });
});
