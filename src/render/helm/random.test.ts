import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterEach, beforeEach, describe, it } from 'mocha';
import type { KubeObject } from '../../api/meta.ts';
import { ReasonError } from '../../api/reason-error.ts';
import { differencesIn, differencesOf, mayDiffer } from './random.ts';

const secret = (data: object, name = 'db'): KubeObject => ({
  apiVersion: 'v1',
  kind: 'Secret',
  metadata: { namespace: 'shop', name },
  data,
});

describe('a chart that is another one at each render', () => {
  let dir: string;
  beforeEach(() => {
    dir = mkdtempSync(join(tmpdir(), 'metricops-random-'));
  });
  afterEach(() => rmSync(dir, { recursive: true }));
  const write = (path: string, text: string): string => {
    const file = join(dir, path);
    mkdirSync(dirname(file), { recursive: true });
    writeFileSync(file, text);
    return file;
  };
  const may = (values: string[] = []): Promise<boolean> => mayDiffer(join(dir, 'chart'), values);

  it('may be one whose templates name what makes it so, also in charts of charts and in values', async () => {
    write('chart/templates/a.yaml', 'text: {{ .Values.brand }} {{ snow }}');
    write('chart/README.md', 'uuidv4');
    assert.equal(await may(), false);
    assert.equal(await may([write('values-0.yaml', 'text: "{{ randAlphaNum 5 }}"')]), true);
    write('chart/charts/db/templates/_lib/names.tpl', '{{- genCA "db" 365 -}}');
    assert.equal(await may(), true);
  });

  for (const name of ['randAlphaNum 5', 'genSelfSignedCert "a" nil nil 1', 'now | date "2006"', 'htpasswd "a" "b"'])
    it(`may be one with ${name}`, async () => {
      write('chart/templates/a.yaml', `text: {{ ${name} }}`);
      assert.equal(await may(), true);
    });

  it('may be one with symlinks, whose targets are anywhere', async () => {
    write('chart/templates/a.yaml', 'text: a');
    symlinkSync('..', join(dir, 'chart/templates/link'));
    assert.equal(await may(), true);
  });

  it('is named by its objects and fields, and by no value', () => {
    const first = [secret({ password: 'b25l', user: 'YQ==' }), secret({}, 'run-x'), secret({ a: 'same' }, 'same')];
    const second = [secret({ password: 'dHdv', user: 'YQ==' }), secret({}, 'run-y'), secret({ a: 'same' }, 'same')];
    assert.deepEqual(differencesOf(first, second), ['Secret (its name)', 'Secret shop/db (data.password)']);
    assert.deepEqual(differencesOf(first, first), []);
    const many = (value: string) => [secret(Object.fromEntries([...'abcde'].map((name) => [name, value])))];
    assert.deepEqual(differencesOf(many('1'), many('2')), ['Secret shop/db (data.a, data.b, data.c and 2 more)']);
  });

  it('is one whose second render can’t be applied, and why is not said: it may hold a value', async () => {
    const refused = async () => {
      throw new ReasonError('DuplicateObject', 'Secret shop/hunter2-4 is in a.yaml and again in b.yaml');
    };
    const differences = await differencesIn([secret({})], refused);
    assert.equal(differences.length, 1);
    assert.doesNotMatch(differences.join(), /hunter2/);
    assert.deepEqual(await differencesIn([secret({})], async () => [secret({})]), []);
    const broken = async () => assert.fail('no thread');
    await assert.rejects(differencesIn([secret({})], broken), /no thread/);
  });
});
