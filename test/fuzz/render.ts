import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { gzipSync } from 'node:zlib';
import fc from 'fast-check';
import { chartSpec } from '../../src/api/helm-spec.ts';
import { ReasonError } from '../../src/api/reason-error.ts';
import { linesOfChart } from '../../src/charts/index-lines.ts';
import { findInRegistry } from '../../src/charts/registry.ts';
import type { Web } from '../../src/charts/web.ts';
import { readJson, writeJson } from '../../src/json.ts';
import { expand } from '../../src/render/expand.ts';
import { fullAllowance, unpack } from '../../src/render/helm/archive.ts';
import { complaintIn as helmComplaint } from '../../src/render/helm/complaint.ts';
import { parseManifests } from '../../src/render/index.ts';
import { partsOfKustomization } from '../../src/render/kustomization.ts';
import { complaintOfBuild } from '../../src/render/kustomize-complaint.ts';
import { parseDocuments } from '../../src/render/yaml.ts';
import { fill } from '../../src/sets/placeholders.ts';
import { formatsOf, mayBeEncrypted } from '../../src/sops/encrypted.ts';
import { divideHooks } from '../../src/sync/hooks/hook.ts';
import { bytesLike, textLike } from './pieces.ts';
import { orRefused, type Property, property } from './run.ts';

const isReason = (error: unknown): boolean => error instanceof ReasonError;

const DEPLOYMENT = `apiVersion: apps/v1
kind: Deployment
metadata: {name: web, namespace: shop, annotations: {a: "1"}}
spec:
  replicas: 0x10
  template: &t
    spec:
      containers:
      - {name: web, image: "web:1"}
  other: *t
`;
const SECRET = 'apiVersion: v1\nkind: Secret\nmetadata:\n  name: db\nstringData:\n  text: |-\n    a\n    b\n';
const LIST =
  'apiVersion: v1\nkind: List\nitems:\n- apiVersion: v1\n  kind: ConfigMap\n  metadata: {name: a}\n  data: {k: v}\n';
const HOOK = `apiVersion: batch/v1
kind: Job
metadata: {generateName: a-, namespace: shop, annotations: {argocd.argoproj.io/hook: PreSync, argocd.argoproj.io/sync-wave: "1"}}
spec: {template: {spec: {}}}
`;
const KUSTOMIZATION = `resources: [a.yaml, ../base, https://example.com/x]
secretGenerator: [{name: s, envs: [a.env], files: [k=a.txt]}]
components: [c]
patches: [{path: p.yaml}]
`;
const INDEX =
  'apiVersion: v1\nentries:\n  web:\n  - version: 1.0.0\n    urls: [web.tgz]\n  "other": []\ngenerated: x\n';

class Refused extends Error {}

/** A tar of one file. */
const tarOf = (name: string, content: string): Buffer => {
  const header = Buffer.alloc(512);
  header.write(name, 0);
  header.write('0000644\0', 100);
  header.write(`${content.length.toString(8).padStart(11, '0')}\0`, 124);
  header.write('ustar\x0000', 257);
  header.write('        ', 148);
  header.write(
    `${header
      .reduce((sum, byte) => sum + byte, 0)
      .toString(8)
      .padStart(6, '0')}\0 `,
    148,
  );
  const body = Buffer.alloc(Math.ceil(content.length / 512) * 512);
  body.write(content);
  return Buffer.concat([header, body, Buffer.alloc(1024)]);
};
const TAR = tarOf('web/Chart.yaml', 'name: web\n');

/** Folders with the same kustomization, three deep, and with every file that it names. */
const treeOf = (text: string) => ({
  async find(path: string) {
    if (path.split('/').length > 3 || path.startsWith('../..')) return undefined;
    if (/\.[a-z]+$/.test(path)) return { path, mode: 'file' as const, oid: path };
    return { path, mode: 'folder' as const, oid: path };
  },
  read: async () => Buffer.from(text),
});

const chart = chartSpec.parse({ repository: 'oci://registry.example.com/charts', name: 'web', version: '*' });
const HEADERS = {
  link: '</v2/charts/web/tags/list?last=1.0.0>; rel="next"',
  'www-authenticate': 'Bearer realm="https://auth.example.com/token",service="registry.example.com",scope="a"',
};
/** A registry that says this at first, and then nothing more. */
const registry = (link: string, challenge: string, tags: string): Web => {
  let asked = 0;
  return async (url) => {
    asked += 1;
    const body = (async function* () {
      yield Buffer.from(asked > 2 ? '{"tags":[]}' : tags);
    })();
    const isFirst = asked === 1;
    return { url, status: isFirst ? 401 : 200, headers: isFirst ? { 'www-authenticate': challenge } : { link }, body };
  };
};

/** @param dir for what archives hold */
export const renderProperties = (dir: string): readonly Property[] => [
  property(
    'manifests in YAML and JSON',
    textLike(
      DEPLOYMENT,
      SECRET,
      LIST,
      `${DEPLOYMENT}---\n${SECRET}`,
      '{"apiVersion":"v1","kind":"Pod","metadata":{"name":"a"}}',
    ),
    orRefused(isReason, (text) => {
      for (const { apiVersion, kind, metadata } of parseManifests(text, 'a.yaml'))
        assert.ok([apiVersion, kind, metadata.name].every((each) => typeof each === 'string' && each !== ''));
    }),
  ),
  property(
    'hooks among manifests',
    textLike(HOOK, HOOK.replace('argocd.argoproj.io/hook: PreSync', 'helm.sh/hook: "pre-install,test"')),
    orRefused(isReason, (text) => divideHooks(parseManifests(text, 'a.yaml'), { helm: text.length % 2 === 0 })),
  ),
  property('JSON', textLike('{"a":[1,2.5,"x",null,true,{"b":12345678901234567890}]}', '[]'), (text) => {
    const parse = (read: (text: string) => unknown): unknown => {
      try {
        return { value: read(text) };
      } catch {
        return 'none';
      }
    };
    const expected = parse(JSON.parse);
    const found = parse(readJson);
    assert.equal(found === 'none', expected === 'none');
    if (found !== 'none') writeJson((found as { value: unknown }).value);
  }),
  property(
    'expressions with variables',
    textLike(
      'a ${VAR} b',
      '${VAR:-x}',
      '${VAR:=${OTHER}}',
      '${VAR//a/b}',
      '${#VAR}',
      '${VAR:0:2}',
      '$${VAR}',
      '${VAR^^}',
    ),
    orRefused(
      (error) => error instanceof Refused,
      (text) => {
        const variables = new Map([['VAR', { value: 'value', isSecret: false }]]);
        let left = 100_000;
        const spend = (characters: number): void => {
          left -= characters;
          if (left < 0) throw new Refused();
        };
        const fail = (): never => {
          throw new Refused();
        };
        expand(text, { variables, spend, fail });
      },
    ),
  ),
  property(
    'placeholders of a GitSyncSet',
    textLike('{{path}}', 'a-{{ path.basename }}', '{{{{}}'),
    (text) => void fill({ a: [text] }, new Map([['path', 'apps/web']])),
  ),
  property(
    'an archive of a chart',
    bytesLike(TAR, tarOf('web/a/../../b', 'x'), tarOf('web/a'.repeat(10), '')),
    orRefused(isReason, async (tar) => {
      const to = mkdtempSync(join(dir, 'chart-'));
      try {
        await unpack(Readable.from([gzipSync(tar, { level: 1 })]), to, { label: 'web', allowance: fullAllowance() });
      } finally {
        rmSync(to, { recursive: true, force: true });
      }
    }),
  ),
  property(
    'an index of a chart repository',
    fc.tuple(textLike(INDEX, '{"entries":{"web":[]}}'), fc.nat(40)),
    orRefused(isReason, async ([text, cut]) => {
      const bytes = Buffer.from(text);
      const chunks = [bytes.subarray(0, cut), bytes.subarray(cut)];
      const lines = await linesOfChart(
        (async function* () {
          yield* chunks;
        })(),
        'web',
      );
      assert.ok(lines.length <= text.length + 2);
    }),
  ),
  property(
    'what a registry answers',
    fc.tuple(textLike(HEADERS.link), textLike(HEADERS['www-authenticate']), textLike('{"tags":["1.0.0","2.0.0"]}')),
    orRefused(isReason, ([link, challenge, tags]) =>
      findInRegistry(chart, { web: registry(link, challenge, tags), authorization: undefined }),
    ),
  ),
  property(
    'a kustomization',
    textLike(KUSTOMIZATION, 'resources:\n- a.yaml\n- b\n'),
    orRefused(isReason, async (text) => {
      const documentsOf = async (manifest: { text: string; file: string }) =>
        parseDocuments(manifest.text, manifest.file);
      const { folders } = await partsOfKustomization(treeOf(text), 'apps', documentsOf);
      for (const folder of folders) assert.ok(!folder.startsWith('/'), folder);
    }),
  ),
  property(
    'files that sops may have encrypted',
    textLike('a: ENC[AES256_GCM,data:x]\nsops:\n  mac: ENC[AES256_GCM,x]\n'),
    (text) => {
      mayBeEncrypted(text);
      formatsOf('a.yaml', text);
    },
  ),
  property(
    'what Helm and kustomize complain of',
    textLike(
      'Error: template: web: executing "a" at <.Values.x>: nil pointer',
      'Error: invalid literal source a, expected key=value',
    ),
    (text) => {
      assert.equal(typeof helmComplaint(text), 'string');
      assert.equal(typeof complaintOfBuild(text), 'string');
    },
  ),
];
