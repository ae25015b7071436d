import assert from 'node:assert/strict';
import { describe, it } from 'mocha';
import type { KubeObject } from '../api/meta.ts';
import { substitute, type Variables } from './substitute.ts';
import { parseManifests } from './yaml.ts';

const of = (values: Record<string, string>, isSecret = false): Variables =>
  new Map(Object.entries(values).map(([name, value]) => [name, { value, isSecret }]));

const made = async (text: string, variables: Variables): Promise<KubeObject> => {
  const [object] = await substitute(parseManifests(text, 'a.yaml'), variables);
  assert.ok(object);
  return object;
};

const custom = (spec: string, metadata = '{name: a}'): string =>
  `{apiVersion: example.com/v1, kind: Thing, metadata: ${metadata}, spec: ${spec}}`;

const deployment = `
apiVersion: apps/v1
kind: Deployment
metadata:
  name: web-\${ENV}
  namespace: \${ENV}
  labels: {version: "\${VERSION}"}
spec:
  replicas: \${REPLICAS}
  template:
    metadata:
      annotations: {scrape: "\${SCRAPE}"}
    spec:
      nodeSelector: {gpu: "\${SCRAPE}"}
      containers:
        - name: c
          image: registry.example.com/web:\${VERSION}
          args: ["\${PORT}"]
          env:
            - {name: PORT, value: "\${PORT}"}
            - {name: DEBUG, value: '\${SCRAPE}'}
          ports:
            - containerPort: \${PORT}
`;

describe('substitution', () => {
  it('makes numbers where Kubernetes wants numbers, and leaves texts where it wants texts', async () => {
    const variables = of({ ENV: 'shop', VERSION: '1.10', REPLICAS: '3', PORT: '8080', SCRAPE: 'true' });
    const { metadata, spec } = await made(deployment, variables);
    assert.deepEqual(metadata, { name: 'web-shop', namespace: 'shop', labels: { version: '1.10' } });
    assert.deepEqual(spec, {
      replicas: 3,
      template: {
        metadata: { annotations: { scrape: 'true' } },
        spec: {
          nodeSelector: { gpu: 'true' },
          containers: [
            {
              name: 'c',
              image: 'registry.example.com/web:1.10',
              args: ['8080'],
              env: [
                { name: 'PORT', value: '8080' },
                { name: 'DEBUG', value: 'true' },
              ],
              ports: [{ containerPort: 8080 }],
            },
          ],
        },
      },
    });
  });

  for (const [value, read] of [
    ['3', 3],
    ['true', true],
    ['"3"', '3'],
    ["'yes'", 'yes'],
    ['[a, 1]', ['a', 1]],
    ['{a: {b: 1}}', { a: { b: 1 } }],
    ['a: b', 'a: b'],
    ['- a', '- a'],
    ['*alias', '*alias'],
    ['#fff', '#fff'],
    ['~', undefined],
    ['9007199254740993', 9007199254740993n],
    ['2026-11-22', '2026-11-22'],
    ['line\nline', 'line\nline'],
  ] as [string, unknown][])
    it(`reads a value that is all of a field as YAML without quotes: ${JSON.stringify(value)}`, async () =>
      assert.deepEqual(
        (await made(custom('{field: "${VAR}"}'), of({ VAR: value }))).spec,
        read === undefined ? {} : { field: read },
      ));

  it('leaves out a field whose value is empty, as YAML does, and keeps an empty text where text is wanted', async () => {
    const { spec, metadata } = await made(
      custom('{storageClassName: "${VAR:=}", other: 1}', '{name: a, labels: {tier: "${VAR:=}"}}'),
      of({}),
    );
    assert.deepEqual(spec, { other: 1 });
    assert.deepEqual(metadata.labels, { tier: '' });
  });

  it('replaces in names of fields, and in a ConfigMap, whose values stay texts', async () => {
    const config = '{apiVersion: v1, kind: ConfigMap, metadata: {name: a}, data: {"${KEY}.conf": "${PORT}"}}';
    assert.deepEqual((await made(config, of({ KEY: 'web', PORT: '80' }))).data, { 'web.conf': '80' });
  });

  it('gives back the very object where there is nothing to replace', async () => {
    const objects = parseManifests(custom('{a: [1, "$VAR", {b: c}]}'), 'a.yaml');
    assert.equal((await substitute(objects, of({})))[0], objects[0]);
  });

  for (const metadata of [
    '{name: a, annotations: {metricops.dev/substitute: disabled}}',
    '{name: a, annotations: {kustomize.toolkit.fluxcd.io/substitute: disabled}}',
    '{name: a, labels: {kustomize.toolkit.fluxcd.io/substitute: disabled}}',
  ])
    it(`leaves an object as it is that says ${metadata}`, async () =>
      assert.deepEqual((await made(custom('{script: "echo ${HOME}"}', metadata), of({}))).spec, {
        script: 'echo ${HOME}',
      }));

  it('refuses a variable that nobody set, with the object and two ways out', () =>
    assert.rejects(made(custom('{script: "echo ${HOME}"}'), of({})), {
      code: 'SubstitutionFailed',
      message:
        'Thing a, ${HOME}: no variable has this name, and there is no default; write $${ for a text that stays as it is, or annotate the object with metricops.dev/substitute: disabled',
    }));

  it('says nothing of the text of a Secret, which may be a password with such signs in it', () =>
    assert.rejects(
      made('{apiVersion: v1, kind: Secret, metadata: {name: a}, stringData: {k: "pa${hunter2"}}', of({})),
      (error: Error) => !error.message.includes('hunter2') && error.message.startsWith('Secret a: '),
    ));

  it('refuses fields that get the same name', () =>
    assert.rejects(made(custom('{"${A}": 1, "${B}": 2}'), of({ A: 'x', B: 'x' })), /two fields have the same name/));

  it('ends before a large value is written a thousand times', () =>
    assert.rejects(made(custom(`{list: [${'"x${VAR}", '.repeat(1000)}]}`), of({ VAR: 'v'.repeat(60_000) })), {
      code: 'ManifestTooLarge',
    }));

  it('ends before short lists become a million values', () =>
    assert.rejects(made(custom(`{list: [${'"${VAR}", '.repeat(2000)}]}`), of({ VAR: `[${'1,'.repeat(2000)}]` })), {
      code: 'ManifestTooLarge',
    }));
});

describe('the value of a Secret', () => {
  const secret = of({ TOKEN: 'hunter2' }, true);

  it('marks the object that it is written into, in part, as a default, or by its length', async () => {
    for (const spec of [
      '{host: "a.${TOKEN}.b"}',
      '{list: ["${TOKEN}"]}',
      '{length: "${#TOKEN}"}',
      '{a: "${X:=${TOKEN}}"}',
    ])
      assert.deepEqual(
        (await made(custom(spec), secret)).metadata.annotations,
        { 'metricops.dev/holds-secret': 'true' },
        spec,
      );
    assert.equal((await made(custom('{a: "${X:=1}"}'), secret)).metadata.annotations, undefined);
  });

  for (const text of [custom('{"${TOKEN}": 1}'), custom('{}', '{name: "a-${TOKEN}"}')])
    it(`is no part of a name, which messages show: ${text.slice(40)}`, () =>
      assert.rejects(made(text, secret), {
        code: 'SubstitutionFailed',
        message: /^Thing a\S*: the value of a Secret can be no part of a name/,
      }));

  it('may be written into a Secret, which needs no mark', async () => {
    const text = '{apiVersion: v1, kind: Secret, metadata: {name: a}, stringData: {k: "${TOKEN}"}}';
    const { metadata, stringData } = await made(text, secret);
    assert.deepEqual([metadata.annotations, stringData], [undefined, { k: 'hunter2' }]);
  });

  for (const [apiVersion, kind] of [
    ['apps/v1', 'Deployment'],
    ['v1', 'ConfigMap'],
    ['v1', 'Service'],
  ])
    it(`is refused in a ${kind}, which is recorded with releases, and the message shows no value`, () =>
      assert.rejects(
        made(`{apiVersion: ${apiVersion}, kind: ${kind}, metadata: {name: a}, data: {k: "\${TOKEN}"}}`, secret),
        (error: Error & { code?: string }) =>
          error.code === 'SubstitutionFailed' &&
          error.message.startsWith(`${kind} a would hold the value of a Secret`) &&
          !error.message.includes('hunter2'),
      ));
});
