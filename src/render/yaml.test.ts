import assert from 'node:assert/strict';
import fc from 'fast-check';
import { dump } from 'js-yaml';
import { describe, it } from 'mocha';
import { ReasonError } from '../api/reason-error.ts';
import { parseManifests } from './yaml.ts';

describe('parseManifests', () => {
  it('merges, takes the last of two equal keys, and leaves out empty documents', () => {
    const text =
      '---\n---\nx: &x {a: one}\napiVersion: v1\nkind: ConfigMap\nmetadata: {name: one, name: two}\ndata: {<<: *x, b: two}\n---\n';
    const [object, ...others] = parseManifests(text, 'a.yaml');
    assert.equal(others.length, 0);
    assert.equal(object?.metadata.name, 'two');
    assert.deepEqual(object?.data, { a: 'one', b: 'two' });
  });

  it('takes Lists apart', () => {
    const item = (name: string): string => `{"apiVersion":"v1","kind":"ConfigMap","metadata":{"name":"${name}"}}`;
    const objects = parseManifests(`{"apiVersion":"v1","kind":"List","items":[${item('a')},${item('b')}]}`, 'a.json');
    assert.deepEqual(
      objects.map((o) => o.metadata.name),
      ['a', 'b'],
    );
  });

  it('gives the items of a typed list their kind', () => {
    const text = 'apiVersion: v1\nkind: ConfigMapList\nitems: [{metadata: {name: a}}]';
    assert.deepEqual(parseManifests(text, 'a.yaml'), [
      { apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: 'a' } },
    ]);
    assert.deepEqual(parseManifests('apiVersion: v1\nkind: List\nitems: []', 'a.yaml'), []);
  });

  it('takes empty texts, comments, byte order marks, end marks and Windows lines', () => {
    for (const text of ['', '# nothing\n', '---\n# nothing\n---\n', '\ufeff']) {
      assert.deepEqual(parseManifests(text, 'a.yaml'), []);
    }
    const object = 'apiVersion: v1\r\nkind: A\r\nmetadata: {name: a}\r\n...\r\n';
    assert.equal(parseManifests(`\ufeff${object}`, 'a.yaml').length, 1);
  });

  it('stops an alias bomb, naming the document', () => {
    const levels = Array.from({ length: 9 }, (_, i) => `l${i + 1}: &l${i + 1} [${Array(9).fill(`*l${i}`).join(',')}]`);
    const bomb = `apiVersion: v1\nkind: ConfigMap\nmetadata: {name: a}\nl0: &l0 x\n${levels.join('\n')}\n`;
    assert.throws(
      () => parseManifests(bomb, 'bomb.yaml'),
      (e: ReasonError) => e.code === 'ManifestTooLarge' && /bomb.yaml, document 1/.test(e.message),
    );
  });

  for (const [what, text, code] of [
    ['a text that is not YAML', 'a: [', 'InvalidYAML'],
    ['a template that nobody rendered', '{{ if .Values.on }}\nkind: A\n', 'InvalidYAML'],
    ['a template in a value', 'apiVersion: v1\nkind: ConfigMap\nmetadata: {name: {{ name }}}', 'InvalidYAML'],
    ['nesting without end', '['.repeat(200_000), 'InvalidYAML'],
    ['a document without kind', 'a: 1', 'InvalidManifest'],
    ['a document that is a list', '- a', 'InvalidManifest'],
    ['an item that is text', 'apiVersion: v1\nkind: List\nitems: [a]', 'InvalidManifest'],
    ['a name that is a number', 'apiVersion: v1\nkind: Pod\nmetadata: {name: 12}', 'InvalidManifest'],
    ['metadata that is text', 'apiVersion: v1\nkind: Pod\nmetadata: a', 'InvalidManifest'],
    ['a key that is a list', 'apiVersion: v1\nkind: A\nmetadata: {name: a}\ndata: {[a]: b}', 'InvalidYAML'],
    ['a kustomization', 'apiVersion: kustomize.config.k8s.io/v1beta1\nkind: Kustomization', 'InvalidManifest'],
    ['generateName', 'apiVersion: v1\nkind: Pod\nmetadata: {generateName: a-}', 'InvalidManifest'],
  ] as const) {
    it(`refuses ${what}`, () =>
      assert.throws(
        () => parseManifests(text, 'a.yaml'),
        (e: ReasonError) => e instanceof ReasonError && e.code === code,
      ));
  }

  it('quotes nothing of a file that can not be read', () => {
    const secret = 'apiVersion: v1\nkind: Secret\nstringData:\n  password: hunter2\n bad\n';
    assert.throws(
      () => parseManifests(secret, 'secret.yaml'),
      (e: ReasonError) => !`${e.stack}${e.cause}`.includes('hunter2') && /secret\.yaml.*\(\d+:\d+\)/.test(e.message),
    );
  });

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
