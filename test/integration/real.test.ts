import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join, resolve } from 'node:path';
import { after, before, describe, it } from 'mocha';
import type { Outcome } from '../../tools/real/outcome.ts';

const ROOT = join(import.meta.dirname, '../..');

interface Ended {
  code: number | null;
  out: string;
  err: string;
}

const real = (...args: string[]): Promise<Ended> =>
  new Promise((resolve, reject) => {
    const child = spawn(process.execPath, [join(ROOT, 'tools/real/main.ts'), ...args]);
    const said = { out: '', err: '' };
    child.stdout.on('data', (chunk) => {
      said.out += chunk;
    });
    child.stderr.on('data', (chunk) => {
      said.err += chunk;
    });
    child.once('error', reject);
    child.once('close', (code) => resolve({ code, ...said }));
  });

const configMap = (name: string, data: string): string =>
  `apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: ${name}\ndata:\n${data}`;
const GROUP = 'real.metricops.dev';
const definition = `apiVersion: apiextensions.k8s.io/v1
kind: CustomResourceDefinition
metadata:
  name: baskets.${GROUP}
spec:
  group: ${GROUP}
  scope: Namespaced
  names: {plural: baskets, singular: basket, kind: Basket}
  versions:
    - name: v1
      served: true
      storage: true
      schema: {openAPIV3Schema: {type: object, x-kubernetes-preserve-unknown-fields: true}}
`;
/** As the Gateway API has it: a group of Kubernetes that no server has built in. */
const approved = definition
  .replaceAll(GROUP, 'made-up.k8s.io')
  .replace('metadata:\n', 'metadata:\n  annotations: {api-approved.kubernetes.io: "unapproved, made up for a test"}\n');
const basket = `apiVersion: ${GROUP}/v1\nkind: Basket\nmetadata:\n  name: first\nspec:\n  apples: 3\n`;
const workload = `apiVersion: apps/v1
kind: Deployment
metadata:
  name: web
spec:
  selector: {matchLabels: {app: web}}
  template:
    metadata: {labels: {app: web}}
    spec:
      containers:
        - name: web
          image: web:1
          resources: {requests: {cpu: 0.5, memory: 1.5Gi}}
          ports: [{containerPort: 80}]
`;
const chart = (name: string, more = ''): string => `apiVersion: v2\nname: ${name}\nversion: 1.0.0\n${more}`;

/** What public repositories have, each in its smallest form. */
const FILES: Record<string, string> = {
  // The resource is before its definition, and among the manifests is a file that is none.
  'plain/a.yaml': `${basket}---\n\n---\n# nothing\n---\n${definition}`,
  'plain/approved.yaml': `${basket.replace(GROUP, 'made-up.k8s.io')}---\n${approved}`,
  'plain/values.yaml': 'replicas: 1\n',
  'plain/old.yaml': `${configMap('old', '  yes: "on"\n  octal: "0644"\n  text: |\n    a: b\n    ---- no document\n')}`,
  'plain/list.yaml': `apiVersion: v1\nkind: List\nitems:\n- ${configMap('listed', '  a: b\n').replaceAll('\n', '\n  ').trimEnd()}\n`,
  'plain/web.json': JSON.stringify({
    apiVersion: 'v1',
    kind: 'Service',
    metadata: { name: 'web' },
    spec: { selector: { app: 'web' }, ports: [{ port: 80 }] },
  }),
  'plain/below/web.yaml': `${workload}---
apiVersion: batch/v1
kind: Job
metadata:
  name: once
spec:
  template:
    metadata: {labels: {app: once}}
    spec: {restartPolicy: Never, containers: [{name: once, image: "once:1"}]}
`,
  // What a hook or a wave waits for nobody runs here. One hook has no name, which kubectl refuses.
  'hooked/a.yaml': `${workload}---
apiVersion: v1
kind: ConfigMap
metadata: {name: after, annotations: {argocd.argoproj.io/sync-wave: "1"}}
---
apiVersion: batch/v1
kind: Job
metadata: {generateName: migrate-, annotations: {argocd.argoproj.io/hook: PreSync}}
spec:
  template:
    spec: {restartPolicy: Never, containers: [{name: migrate, image: "migrate:1"}]}
---
apiVersion: batch/v1
kind: Job
metadata: {name: smoke, annotations: {argocd.argoproj.io/hook: PostSync}}
spec:
  template:
    spec: {restartPolicy: Never, containers: [{name: smoke, image: "smoke:1"}]}
`,
  'broken/a.yaml': configMap('a', '  a: b\n'),
  'broken/template.yaml': 'apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: {{name}}\n',
  'twice/a.yaml': configMap('a', '  a: "1"\n'),
  'twice/b.yaml': configMap('a', '  a: "2"\n'),
  'unserved/a.yaml': `${configMap('a', '  a: b\n')}---\napiVersion: nobody.example.com/v1\nkind: Thing\nmetadata:\n  name: a\n`,
  'shop/base/kustomization.yaml':
    'resources: [web.yaml]\nconfigMapGenerator: [{name: settings, literals: [a=b]}]\nlabels: [{pairs: {team: shop}}]\n',
  'shop/base/web.yaml': workload,
  'shop/parts/tag/kustomization.yaml':
    'apiVersion: kustomize.config.k8s.io/v1alpha1\nkind: Component\nimages: [{name: web, newTag: "2"}]\n',
  'shop/production/kustomization.yaml': 'resources: [../base]\ncomponents: [../parts/tag]\nnamePrefix: big-\n',
  'charts/all/Chart.yaml': chart(
    'all',
    'kubeVersion: ">=1.20.0-0"\ndependencies:\n- {name: extra, version: 1.0.0, condition: extra.enabled}\n- {name: rare, version: 1.0.0, condition: rare.enabled}\n- {name: common, version: 1.0.0}\n',
  ),
  'charts/all/values.yaml': 'extra: {enabled: true}\nrare: {enabled: false}\n',
  'charts/all/ci/rare-values.yaml': 'rare: {enabled: true}\n',
  'charts/all/crds/basket.yaml': definition,
  'charts/all/files/greeting.txt': 'hello\n',
  'charts/all/charts/common/Chart.yaml': chart('common', 'type: library\n'),
  'charts/all/charts/common/templates/_labels.tpl':
    '{{- define "common.labels" }}\n    team: {{ .Release.Name }}\n{{- end }}\n',
  'charts/all/charts/extra/Chart.yaml': chart('extra'),
  'charts/all/charts/extra/templates/a.yaml': configMap('extra', '  at: {{ .Chart.Name }}\n'),
  'charts/all/charts/rare/Chart.yaml': chart('rare'),
  'charts/all/charts/rare/templates/a.yaml': configMap('rare', '  at: {{ .Chart.Name }}\n'),
  'charts/all/templates/NOTES.txt': 'Thank you\n',
  'charts/all/templates/empty.yaml': '{{ if false }}\nkind: Never\n{{ end }}\n---\n',
  'charts/all/templates/file.yaml':
    'apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: file\n  labels: {{- include "common.labels" . }}\ndata:\n  greeting: {{ .Files.Get "files/greeting.txt" | quote }}\n  found: {{ lookup "v1" "Namespace" "" "default" | empty | quote }}\n  served: {{ .Capabilities.APIVersions.Has "apps/v1/Deployment" | quote }}\n  version: {{ .Capabilities.KubeVersion.Version }}\n',
  'charts/all/templates/random.yaml':
    'apiVersion: v1\nkind: Secret\nmetadata:\n  name: random\nstringData:\n  password: {{ randAlphaNum 12 }}\n  user: me\n',
  'charts/all/templates/basket.yaml': basket,
  'charts/all/templates/hook.yaml':
    'apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: hook\n  annotations: {helm.sh/hook: pre-install}\n',
  'charts/all/templates/kept.yaml':
    'apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: kept\n  annotations: {helm.sh/resource-policy: keep}\n',
  'charts/needs/Chart.yaml': chart(
    'needs',
    'dependencies:\n- {name: db, version: 1.0.0, repository: "https://x.invalid"}\n',
  ),
  'charts/strict/Chart.yaml': chart('strict'),
  'charts/strict/templates/a.yaml': '{{ required "name the host" .Values.host }}\n',
  'charts/tomorrow/Chart.yaml': chart('tomorrow', 'kubeVersion: ">=9.0.0"\n'),
  'charts/tomorrow/templates/a.yaml': configMap('a', '  a: b\n'),
};

/** Public repositories, where they lie on this machine: a folder each. */
const GIVEN = (process.env.METRICOPS_REAL ?? '').split(':').filter((dir) => dir !== '');

describe('npm run real', () => {
  let dir: string;
  before(() => {
    dir = mkdtempSync(join(tmpdir(), 'made-up-'));
    for (const [path, text] of Object.entries(FILES)) {
      mkdirSync(dirname(join(dir, path)), { recursive: true });
      writeFileSync(join(dir, path), text);
    }
  });
  after(() => rmSync(dir, { recursive: true, force: true }));

  it('finds the same objects as with kubectl apply, kustomize and helm, folder by folder, and says so in a line each', async function () {
    this.timeout(900_000);
    for (const given of GIVEN) assert.ok(existsSync(given), `METRICOPS_REAL names ${given}, which is not there`);
    const { code, out, err } = await real(dir, join(ROOT, 'examples'), ...GIVEN.map((each) => resolve(each)), '--json');
    assert.equal(code, 0, `${out}\n${err}`);
    const { outcomes } = JSON.parse(out) as { outcomes: Outcome[] };
    const madeUp = outcomes.filter(({ source }) => dir.endsWith(source));
    assert.deepEqual(Object.fromEntries(madeUp.map(({ name, verdict, objects }) => [name, `${verdict} ${objects}`])), {
      broken: 'listed 0',
      'charts/all': 'same 6',
      'charts/all with ci/rare-values.yaml': 'same 7',
      'charts/needs': 'skipped 0',
      'charts/strict': 'refused 0',
      'charts/tomorrow': 'refused 0',
      hooked: 'same 2',
      plain: 'same 7',
      'plain/below': 'same 2',
      'shop/base': 'same 2',
      'shop/parts/tag': 'skipped 0',
      'shop/production': 'same 2',
      twice: 'listed 0',
      unserved: 'same 1',
    });
    const of = (name: string) => madeUp.find((one) => one.name === name);
    assert.equal(of('charts/all')?.random, 1);
    assert.deepEqual(of('unserved')?.refusedObjects.length, 1);
    assert.match(of('twice')?.why[0] ?? '', /DuplicateObject/);
    assert.equal(
      err.split('\n').filter((line) => /^(same|listed|refused|skipped) /.test(line)).length,
      outcomes.length,
    );
    for (const given of GIVEN)
      assert.ok(
        outcomes.some(({ source }) => given.replace(/\/$/, '').endsWith(source)),
        given,
      );
  });

  it('says what it takes, and which folder is not there', async function () {
    this.timeout(120_000);
    const help = await real('--help');
    assert.equal(help.code, 0);
    assert.match(help.out, /^Usage: npm run real -- DIR\.\.\./);
    const none = await real('/nonexistent');
    assert.equal(none.code, 2);
    assert.match(none.err, /there is no folder \/nonexistent/);
    assert.equal((await real()).code, 2);
  });
});
