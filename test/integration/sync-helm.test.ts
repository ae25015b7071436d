import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, it } from 'mocha';
import { API_VERSION } from '../../src/api/annotations.ts';
import type { GitSync } from '../../src/api/gitsync.ts';
import type { KubeObject } from '../../src/api/meta.ts';
import { type ResourceType, resources } from '../../src/kube/index.ts';
import { startChartRepository } from '../support/chart-servers.ts';
import { endJob, job } from '../support/jobs.ts';
import { eventually } from '../support/poll.ts';
import { imageOf, useSync } from '../support/sync.ts';
import { chartArchive } from '../support/tgz.ts';

const EXAMPLE = join(import.meta.dirname, '../../examples/helm');
const FILES = [
  'Chart.yaml',
  'values.yaml',
  'values.schema.json',
  'templates/_helpers.tpl',
  'templates/config.yaml',
  'templates/deployment.yaml',
  'templates/service.yaml',
  'templates/monitor.yaml',
  'templates/migration.yaml',
  'templates/tests/answers.yaml',
];
const example = Object.fromEntries(FILES.map((name) => [name, readFileSync(join(EXAMPLE, 'chart', name), 'utf8')]));

const config = (text: string): string =>
  `apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: shown\ndata:\n  text: ${text}\n`;
const chart = (text: string): Record<string, string> => ({
  'Chart.yaml': 'apiVersion: v2\nname: web\nversion: 1.0.0\n',
  'templates/a.yaml': config(text),
});

const definition = (group: string): KubeObject => ({
  apiVersion: 'apiextensions.k8s.io/v1',
  kind: 'CustomResourceDefinition',
  metadata: { name: `baskets.${group}` },
  spec: {
    group,
    scope: 'Namespaced',
    names: { plural: 'baskets', singular: 'basket', kind: 'Basket', listKind: 'BasketList' },
    versions: [
      {
        name: 'v1',
        served: true,
        storage: true,
        schema: { openAPIV3Schema: { type: 'object', 'x-kubernetes-preserve-unknown-fields': true } },
      },
    ],
  },
});

describe('a GitSync of a Helm chart', () => {
  const { bench, plane, start } = useSync();

  const put = (type: ResourceType, namespace: string, name: string, content: object): Promise<KubeObject> => {
    const object = { apiVersion: 'v1', kind: type.kind, metadata: { namespace, name }, ...content };
    return plane().client.apply(type, object, { fieldManager: 'test', force: true });
  };
  const condition = async (namespace: string, type: string) => {
    const sync = await plane().client.get(resources.gitSyncs, { namespace, name: 'app' });
    const { conditions = [] } = (sync?.status ?? {}) as {
      conditions?: { type: string; status: string; message: string }[];
    };
    return conditions.find((each) => each.type === type);
  };

  it('is rendered because of its Chart.yaml, under the name of the GitSync', async () => {
    const sync = await start(example);
    await sync.ready();
    assert.equal(imageOf(await sync.get(resources.deployments, 'app')), 'docker.io/library/nginx:1.27');
    assert.deepEqual((await sync.get(resources.configMaps, 'app'))?.data, { greeting: 'hello' });
    assert.equal(await condition(sync.ns, 'HooksNotRun'), undefined);
    sync.push({ 'values.yaml': `${example['values.yaml']}`.replace('hello', 'good morning') });
    await eventually(async () => {
      const { greeting } = ((await sync.get(resources.configMaps, 'app'))?.data ?? {}) as { greeting?: string };
      return greeting === 'good morning';
    });
  });

  it('takes values of files, ConfigMaps and the spec, and follows them', async () => {
    const ns = await plane().namespace('sync');
    await put(resources.configMaps, ns, 'cluster', { data: { 'values.yaml': 'b: cluster\nc: cluster\n' } });
    const sync = await start(
      { ...chart('{{ .Values.a }} {{ .Values.b }} {{ .Values.c }}'), 'prod.yaml': 'a: file\nb: file\nc: file\n' },
      {
        render: {
          helm: {
            releaseName: 'web',
            valuesFiles: ['prod.yaml'],
            valuesFrom: [
              { kind: 'ConfigMap', name: 'cluster' },
              { kind: 'Secret', name: 'none', optional: true },
            ],
            values: { c: 'spec' },
          },
        },
      },
      { namespace: ns },
    );
    await sync.ready();
    const text = async () => ((await sync.get(resources.configMaps, 'shown'))?.data as { text?: string })?.text;
    assert.equal(await text(), 'file cluster spec');
    await put(resources.configMaps, ns, 'cluster', { data: { 'values.yaml': 'b: changed\n' } });
    await eventually(async () => (await text()) === 'file changed spec', { what: 'the new value' });
    await put(resources.configMaps, ns, 'cluster', { data: { 'other.yaml': '' } });
    await sync.ready('False', /ValuesNotFound ConfigMap .* has no values.yaml; add it, or say optional: true/);
    assert.equal(await text(), 'file changed spec');
  });

  it('names the hooks of its chart as not run', async () => {
    const sync = await start(example, { render: { helm: { values: { migration: { enabled: true } } } } });
    await sync.ready();
    const { status, message } = (await condition(sync.ns, 'HooksNotRun')) ?? {};
    assert.equal(status, 'True');
    assert.match(message ?? '', /^hooks of the chart are not run: Job app-migration \(pre-install,pre-upgrade\)$/);
    assert.equal(await plane().client.get(resources.pods, { namespace: sync.ns, name: 'app-answers' }), undefined);
    await sync.edit(resources.gitSyncs, 'app', { spec: { render: { helm: { values: { migration: null } } } } });
    await eventually(async () => (await condition(sync.ns, 'HooksNotRun'))?.status === 'False');
  });

  it('runs the hooks of its chart where it says so: those of an install at first, then those of an upgrade', async () => {
    const migration = (name: string, hook: string): string =>
      JSON.stringify(job(name, { 'helm.sh/hook': hook, 'helm.sh/hook-weight': '1' }));
    const files = {
      ...chart('first'),
      'templates/install.yaml': migration('prepare', 'pre-install'),
      'templates/upgrade.yaml': migration('migrate', 'pre-upgrade, post-install'),
      'templates/end.yaml': migration('goodbye', 'pre-delete'),
    };
    const sync = await start(files, { render: { helm: { hooks: 'Run' } } });
    await sync.ready('False', /Progressing PreSync hook Job .*\/prepare: it runs/);
    assert.equal(await sync.get(resources.configMaps, 'shown'), undefined);
    await endJob(plane(), sync.ns, 'prepare');
    await endJob(plane(), sync.ns, 'migrate');
    await sync.ready();
    assert.match((await condition(sync.ns, 'HooksNotRun'))?.message ?? '', /are not run: Job goodbye \(pre-delete\)$/);
    const prepared = (await sync.get(resources.jobs, 'prepare'))?.metadata.uid;
    const sha = sync.push({ 'templates/a.yaml': config('second') });
    await sync.ready('False', /Progressing PreSync hook Job .*\/migrate: it runs/);
    await endJob(plane(), sync.ns, 'migrate');
    await sync.ready('True', new RegExp(sha));
    assert.deepEqual((await sync.get(resources.configMaps, 'shown'))?.data, { text: 'second' });
    assert.equal((await sync.get(resources.jobs, 'prepare'))?.metadata.uid, prepared);
  });

  it('runs the first hook that a chart comes with, though the commit is that of before', async () => {
    const charts = await startChartRepository();
    const serve = (version: string, more: Record<string, string>): void => {
      const files = {
        ...chart(`"${version}"`),
        'Chart.yaml': `apiVersion: v2\nname: web\nversion: ${version}\n`,
        ...more,
      };
      charts.files.set(`/web-${version}.tgz`, chartArchive('web', files));
      const entries = { web: [{ version, urls: [`web-${version}.tgz`] }] };
      charts.files.set('/index.yaml', JSON.stringify({ apiVersion: 'v1', entries }));
    };
    serve('6.1.0', {});
    const source = { repository: charts.url, name: 'web', version: '6.x' };
    const sync = await start({}, { interval: '5s', render: { helm: { chart: source, hooks: 'Run' } } });
    await sync.ready();
    serve('6.2.0', { 'templates/upgrade.yaml': JSON.stringify(job('migrate', { 'helm.sh/hook': 'pre-upgrade' })) });
    await sync.ready('False', /Progressing PreSync hook Job .*\/migrate: it runs/);
    assert.deepEqual((await sync.get(resources.configMaps, 'shown'))?.data, { text: '6.1.0' });
    await endJob(plane(), sync.ns, 'migrate');
    const { status } = await sync.ready();
    assert.equal(status?.appliedChart?.version, '6.2.0');
    assert.deepEqual((await sync.get(resources.configMaps, 'shown'))?.data, { text: '6.2.0' });
    await charts.close();
  });

  it('is rendered for what the cluster serves, and again when it serves more', async () => {
    const group = `g${Date.now()}.shop.dev`;
    const sync = await start(
      chart(`'{{ .Capabilities.APIVersions.Has "${group}/v1/Basket" }} {{ .Capabilities.KubeVersion.Minor }}'`),
    );
    await sync.ready();
    const text = async () => ((await sync.get(resources.configMaps, 'shown'))?.data as { text?: string })?.text;
    assert.equal(await text(), 'false 34');
    const type = await plane().discovery.find('apiextensions.k8s.io/v1', 'CustomResourceDefinition');
    assert.ok(type);
    await bench().restart(async () => {
      await plane().client.apply(type, definition(group), { fieldManager: 'test' });
      const served = async () => (await plane().client.raw('GET', `/apis/${group}/v1`)) !== undefined;
      await eventually(() => served().catch(() => false), { what: 'the definition is served' });
    });
    await eventually(async () => (await text()) === 'true 34', { what: 'it is rendered for the new kind' });
  });

  it('writes the value of a Secret where it is safe, and nowhere else', async () => {
    const ns = await plane().namespace('sync');
    await put(resources.secrets, ns, 'db', { stringData: { 'values.yaml': 'password: hunter2hunter2\n' } });
    const secret =
      'apiVersion: v1\nkind: Secret\nmetadata:\n  name: made\nstringData:\n  password: {{ .Values.password }}\n';
    const files = { 'Chart.yaml': 'apiVersion: v2\nname: web\nversion: 1.0.0\n', 'templates/a.yaml': secret };
    const sync = await start(
      files,
      { render: { helm: { valuesFrom: [{ kind: 'Secret', name: 'db' }] } } },
      { namespace: ns },
    );
    await sync.ready();
    const made = await sync.get(resources.secrets, 'made');
    assert.deepEqual(made?.data, { password: Buffer.from('hunter2hunter2').toString('base64') });
    sync.push({ 'templates/b.yaml': config('{{ .Values.password }}') });
    await sync.ready('False', /SecretExposed ConfigMap shown would hold password of Secret .*\/db, and is recorded/);
    assert.equal(await sync.get(resources.configMaps, 'shown'), undefined);
    const status = JSON.stringify(await plane().client.get(resources.gitSyncs, { namespace: ns, name: 'app' }));
    assert.doesNotMatch(status, /hunter2/);
  });

  it('renders a chart of a repository with values of its own, and follows the newest version of a range', async () => {
    const charts = await startChartRepository();
    const serve = (...versions: string[]): void => {
      const list = versions.map((version) => ({ version, urls: [`web-${version}.tgz`] }));
      charts.files.set('/index.yaml', JSON.stringify({ apiVersion: 'v1', entries: { web: list } }));
      for (const version of versions) {
        const files = { ...chart(`"${version} {{ .Values.a }}"`) };
        files['Chart.yaml'] = `apiVersion: v2\nname: web\nversion: ${version}\n`;
        charts.files.set(`/web-${version}.tgz`, chartArchive('web', files));
      }
    };
    serve('1.0.0');
    const source = { repository: charts.url, name: 'web', version: '1.x' };
    const sync = await start(
      { 'prod.yaml': 'a: of the repository\n' },
      { interval: '5s', render: { helm: { chart: source, valuesFiles: ['prod.yaml'] } } },
    );
    const { status } = await sync.ready();
    assert.deepEqual(status?.appliedChart?.version, '1.0.0');
    assert.match(status?.appliedChart?.digest ?? '', /^sha256:[0-9a-f]{64}$/);
    const text = async () => ((await sync.get(resources.configMaps, 'shown'))?.data as { text?: string })?.text;
    assert.equal(await text(), '1.0.0 of the repository');
    serve('1.0.0', '1.1.0', '2.0.0');
    await eventually(async () => (await text()) === '1.1.0 of the repository', { what: 'the newer version' });
    sync.push({ 'prod.yaml': 'a: of a commit\n' });
    await eventually(async () => (await text()) === '1.1.0 of a commit', { what: 'the values of the commit' });
    await charts.close();
    await sync.edit(resources.gitSyncs, 'app', { metadata: { annotations: { 'metricops.dev/requested-at': 'now' } } });
    await sync.ready('False', /RepositoryUnreachable .*index.yaml can't be reached/);
    await sync.edit(resources.configMaps, 'shown', { data: { text: 'by hand' } });
    await eventually(async () => (await text()) === '1.1.0 of a commit', { what: 'drift is corrected all the same' });
  });

  it('keeps what it applied against drift while the chart repository is away, also after a restart', async () => {
    const charts = await startChartRepository();
    const random = chart('{{ .Values.a }} {{ randAlphaNum 20 }}');
    charts.files.set('/web-1.0.0.tgz', chartArchive('web', random));
    const entries = { web: [{ version: '1.0.0', urls: ['web-1.0.0.tgz'] }] };
    charts.files.set('/index.yaml', JSON.stringify({ apiVersion: 'v1', entries }));
    const source = { repository: charts.url, name: 'web', version: '1.x' };
    const sync = await start({}, { interval: '5s', render: { helm: { chart: source, values: { a: 'in Git' } } } });
    await sync.ready();
    const text = async () => ((await sync.get(resources.configMaps, 'shown'))?.data as { text?: string })?.text;
    const applied = await text();
    await charts.close();
    await bench().restart();
    await sync.ready('False', /RepositoryUnreachable .*index.yaml can't be reached/);
    assert.equal(await text(), applied, 'nothing is rendered because of the restart');
    await sync.edit(resources.configMaps, 'shown', { data: { text: 'by hand' } });
    await eventually(async () => /^in Git \w{20}$/.test((await text()) ?? ''), { what: 'drift is corrected' });
    const { status } = await sync.ready('False', /RepositoryUnreachable/);
    assert.equal(status?.appliedChart?.version, '1.0.0');
  });

  it('reads no chart of a host that the platform does not allow', async () => {
    const policy = { apiVersion: API_VERSION, kind: 'PlatformPolicy', metadata: { name: 'default' } };
    const spec = { allowedHosts: [new URL(bench().git.url).host] };
    await plane().client.apply(resources.platformPolicies, { ...policy, spec }, { fieldManager: 'test' });
    const source = { repository: 'oci://registry.example.com/charts', name: 'web', version: '1.x' };
    const sync = await start({}, { render: { helm: { chart: source } } });
    await sync.ready('False', /HostRefused repositories on registry.example.com are not allowed/);
    await plane().client.delete(resources.platformPolicies, { name: 'default' });
  });

  it('is not rendered again by a restart: what it made at random stays', async () => {
    const sync = await start(chart('{{ randAlphaNum 20 }}'));
    await sync.ready();
    const shown = () => sync.get(resources.configMaps, 'shown');
    const data = (await shown())?.data;
    await bench().restart();
    await sync.edit(resources.gitSyncs, 'app', { metadata: { annotations: { 'metricops.dev/requested-at': 'now' } } });
    const reconciled = async (): Promise<boolean> => {
      const object = await plane().client.get<GitSync>(resources.gitSyncs, { namespace: sync.ns, name: 'app' });
      return object?.status?.lastHandledReconcileAt === 'now';
    };
    await eventually(reconciled, { what: 'the restarted controller has reconciled' });
    assert.deepEqual((await shown())?.data, data);
    sync.push({ 'templates/a.yaml': config('{{ randAlphaNum 21 }}') });
    await eventually(async () => JSON.stringify((await shown())?.data) !== JSON.stringify(data), {
      what: 'another commit of the chart',
    });
  });

  it('says what it makes at random, and makes it once however often an object is refused', async () => {
    const refused = config('b').replace('name: shown', 'name: No_Name');
    const sync = await start({ ...chart('{{ randAlphaNum 20 }}'), 'templates/b.yaml': refused });
    await sync.ready('False', /ObjectRejected ConfigMap .*No_Name/);
    const { status, message } = (await condition(sync.ns, 'RandomValues')) ?? {};
    assert.equal(status, 'True');
    assert.equal(
      message,
      'each render of the chart makes another value of ConfigMap shown (data.text); set them in values',
    );
    const data = async () => (await sync.get(resources.configMaps, 'shown'))?.data;
    const before = await data();
    await sync.edit(resources.gitSyncs, 'app', { metadata: { annotations: { 'metricops.dev/requested-at': 'now' } } });
    const handled = async (): Promise<boolean> => {
      const object = await plane().client.get<GitSync>(resources.gitSyncs, { namespace: sync.ns, name: 'app' });
      return object?.status?.lastHandledReconcileAt === 'now';
    };
    await eventually(handled, { what: 'it is tried again' });
    assert.deepEqual(await data(), before);
    sync.push({ 'templates/a.yaml': config('fixed'), 'templates/b.yaml': null });
    await sync.ready();
    assert.equal((await condition(sync.ns, 'RandomValues'))?.status, 'False');
  });

  it('is brought back when it drifts, and goes when its templates go', async () => {
    const sync = await start({ ...chart('as in Git'), 'templates/b.yaml': config('b').replace('shown', 'other') });
    await sync.ready();
    await sync.edit(resources.configMaps, 'shown', { data: { text: 'by hand' } });
    const text = async () => ((await sync.get(resources.configMaps, 'shown'))?.data as { text?: string })?.text;
    await eventually(async () => (await text()) === 'as in Git', { what: 'drift is corrected' });
    sync.push({ 'templates/b.yaml': null });
    await eventually(async () => (await sync.get(resources.configMaps, 'other')) === undefined, { what: 'pruned' });
  });
}).timeout(120_000);
