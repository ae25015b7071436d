import assert from 'node:assert/strict';
import { describe, it } from 'mocha';
import type { GitSync } from '../../src/api/gitsync.ts';
import type { KubeObject } from '../../src/api/meta.ts';
import { type ResourceType, resources } from '../../src/kube/index.ts';
import { type Call, callText, watchCalls } from '../support/calls.ts';
import { type Outcome, runCli } from '../support/cli.ts';
import { eventually } from '../support/poll.ts';
import { configMap, deployment, type StartedSync, useSync, yaml } from '../support/sync.ts';

const dataOf = (object: KubeObject | undefined): Record<string, string> =>
  (object?.data ?? {}) as Record<string, string>;

type Env = { name: string; value: string }[];
const envOf = (object: KubeObject | undefined): Env =>
  (object?.spec as { template: { spec: { containers: { env?: Env }[] } } } | undefined)?.template.spec.containers[0]
    ?.env ?? [];

/** A Deployment without pods whose container has this environment. */
const withEnv = (name: string, env: Env): KubeObject =>
  deployment(name, 'shop:v1', 'settings', {
    replicas: 0,
    template: { metadata: { labels: { app: name } }, spec: { containers: [{ name: 'c', image: 'shop:v1', env }] } },
  });

const ingress = (name: string, notes: Record<string, string>): KubeObject => ({
  apiVersion: 'networking.k8s.io/v1',
  kind: 'Ingress',
  metadata: { name, annotations: notes, labels: { team: 'a' } },
  spec: { defaultBackend: { service: { name, port: { number: 80 } } } },
});

const autoscaler = (name: string): KubeObject => ({
  apiVersion: 'autoscaling/v2',
  kind: 'HorizontalPodAutoscaler',
  metadata: { name },
  spec: { maxReplicas: 3, scaleTargetRef: { apiVersion: 'apps/v1', kind: 'Deployment', name } },
});

const secret = (password: string): KubeObject => ({
  apiVersion: 'v1',
  kind: 'Secret',
  metadata: { name: 'login' },
  stringData: { password },
});

const base64 = (text: string): string => Buffer.from(text).toString('base64');

describe('drift', () => {
  /** What the reconciler asked the API server for. */
  const calls: Call[] = [];
  const { plane, bench, start } = useSync({
    client: async ({ client }) => ({
      client: watchCalls(client, (call) => void calls.push(call)),
      close: async () => {},
    }),
  });

  const notes = async ({ ns }: StartedSync, reason: string): Promise<string[]> => {
    const { items } = await plane().client.list(resources.events, { namespace: ns });
    return items.filter((event) => event.reason === reason).map(({ note }) => String(note));
  };
  const noted = (sync: StartedSync, reason: string, what: RegExp): Promise<string> =>
    eventually(
      async () => {
        const found = await notes(sync, reason);
        return found.find((note) => what.test(note)) ?? Promise.reject(new Error(`there are: ${found.join('; ')}`));
      },
      { what: `the event ${reason} ${what}` },
    );
  const metricops = ({ ns }: StartedSync, ...argv: string[]): Promise<Outcome> =>
    runCli(plane().kubeconfig, [...argv, '-n', ns]);
  const live = async ({ ns }: StartedSync): Promise<GitSync> => {
    const found = await plane().client.get<GitSync>(resources.gitSyncs, { namespace: ns, name: 'app' });
    assert.ok(found);
    return found;
  };
  const drifted = async (sync: StartedSync): Promise<string> => {
    const condition = (await live(sync)).status?.conditions?.find(({ type }) => type === 'Drifted');
    return `${condition?.status} ${condition?.reason} ${condition?.message}`;
  };
  /** As somebody at a terminal does it. */
  const byHand = ({ ns }: StartedSync, type: string, name: string, patch: object, manager = 'kubectl-patch'): void => {
    const body = ['--type', Array.isArray(patch) ? 'json' : 'merge', '-p', JSON.stringify(patch)];
    plane().kubectl(['-n', ns, 'patch', type, name, ...body, '--field-manager', manager]);
  };
  /** As a controller does it that thinks the field is its own. */
  const byController = ({ ns }: StartedSync, type: ResourceType, name: string, manager: string, body: object) =>
    plane().client.patch(type, { namespace: ns, name }, { type: 'merge', body }, { fieldManager: manager });
  const limitsAre = (sync: StartedSync, rps: string): Promise<unknown> =>
    eventually(async () => dataOf(await sync.get(resources.configMaps, 'limits')).rps === rps, {
      what: `limits of ${rps}`,
    });

  describe('with drift: Correct', () => {
    it('reverts a change by hand, and says who changed which field from what to what', async () => {
      const sync = await start({ 'a.yaml': yaml(configMap('limits', { rps: '100', burst: '5' })) });
      await sync.ready();
      byHand(sync, 'configmap', 'limits', { data: { rps: '1' } });
      await limitsAre(sync, '100');
      const note = await noted(sync, 'DriftCorrected', /limits/);
      assert.match(note, new RegExp(`ConfigMap ${sync.ns}/limits \\(/data/rps: "100" → "1", by kubectl-patch\\)`));
    });

    it('makes a deleted object anew, and tells that it was deleted', async () => {
      const sync = await start({ 'a.yaml': yaml(configMap('limits', { rps: '100' })) });
      await sync.ready();
      plane().kubectl(['-n', sync.ns, 'delete', 'configmap', 'limits']);
      await limitsAre(sync, '100');
      await noted(sync, 'DriftCorrected', new RegExp(`ConfigMap ${sync.ns}/limits \\(deleted\\)`));
    });

    it('takes away a list entry that was added with kubectl edit', async () => {
      const env = [{ name: 'MODE', value: 'fast' }];
      const sync = await start({ 'a.yaml': yaml(withEnv('web', env)) });
      await sync.ready();
      const path = '/spec/template/spec/containers/0/env/-';
      byHand(sync, 'deployment', 'web', [{ op: 'add', path, value: { name: 'DEBUG', value: '1' } }], 'kubectl-edit');
      await noted(sync, 'DriftCorrected', /containers\/0\/env\/1: – → .*DEBUG.*by kubectl-edit/);
      assert.deepEqual(envOf(await sync.get(resources.deployments, 'web')), env);
    });

    it('takes away what was added with kubectl edit while no controller ran', async () => {
      const env = [{ name: 'MODE', value: 'fast' }];
      const sync = await start({ 'a.yaml': yaml(withEnv('web', env), configMap('limits', { rps: '100' })) });
      await sync.ready();
      await bench().restart(async () => {
        const path = '/spec/template/spec/containers/0/env/-';
        byHand(sync, 'deployment', 'web', [{ op: 'add', path, value: { name: 'DEBUG', value: '1' } }], 'kubectl-edit');
        byHand(sync, 'configmap', 'limits', { data: { rps: '1' } });
      });
      await limitsAre(sync, '100');
      await eventually(async () => envOf(await sync.get(resources.deployments, 'web')).length === 1, {
        what: 'the end of the added variable',
      });
    });

    it('corrects labels and annotations of Git, also of kinds that do not count them as a change', async () => {
      const ranges = 'nginx.ingress.kubernetes.io/whitelist-source-range';
      const sync = await start({
        'a.yaml': yaml(ingress('shop', { [ranges]: '10.0.0.0/8', 'example.com/auth': 'on' })),
      });
      await sync.ready();
      const type = {
        group: 'networking.k8s.io',
        version: 'v1',
        kind: 'Ingress',
        plural: 'ingresses',
        namespaced: true,
      };
      const notes = async () => (await sync.get(type, 'shop'))?.metadata.annotations;
      plane().kubectl(['-n', sync.ns, 'annotate', '--overwrite', 'ingress', 'shop', `${ranges}=0.0.0.0/0`]);
      await eventually(async () => (await notes())?.[ranges] === '10.0.0.0/8', { what: 'the range of Git' });
      plane().kubectl(['-n', sync.ns, 'annotate', 'ingress', 'shop', 'example.com/auth-']);
      await eventually(async () => (await notes())?.['example.com/auth'] === 'on', { what: 'the annotation of Git' });
      plane().kubectl(['-n', sync.ns, 'label', '--overwrite', 'ingress', 'shop', 'team=b']);
      await eventually(async () => (await sync.get(type, 'shop'))?.metadata.labels?.team === 'a', {
        what: 'the label of Git',
      });
      await noted(sync, 'DriftCorrected', /whitelist-source-range: "10.0.0.0\/8" → "0.0.0.0\/0", by kubectl-annotate/);
    });

    it('sends nothing for a status, or for what other managers write to fields of their own', async () => {
      const hpa = (await plane().discovery.find('autoscaling/v2', 'HorizontalPodAutoscaler')) as ResourceType;
      const sync = await start({
        'a.yaml': yaml(configMap('lock', { a: '1' }), autoscaler('web'), withEnv('idle', [])),
      });
      await sync.ready();
      const before = calls.length;
      for (let i = 0; i < 10; i += 1) {
        await byController(sync, resources.configMaps, 'lock', 'elector', {
          metadata: { annotations: { 'control-plane.alpha.kubernetes.io/leader': String(i) } },
        });
        const body = { status: { currentReplicas: i, desiredReplicas: i, currentMetrics: null, conditions: null } };
        await plane().client.patch(
          hpa,
          { namespace: sync.ns, name: 'web' },
          { type: 'merge', body },
          { subresource: 'status' },
        );
        await byController(sync, resources.deployments, 'idle', 'kubectl-rollout', {
          spec: { template: { metadata: { annotations: { restarted: String(i) } } } },
        });
      }
      // A change by hand comes after all of them, and is the only one that is answered.
      byHand(sync, 'configmap', 'lock', { data: { a: '2' } });
      await eventually(async () => dataOf(await sync.get(resources.configMaps, 'lock')).a === '1', {
        what: 'the data of Git',
      });
      // Of this namespace alone: GitSyncs of other tests may be there, too.
      const since = calls.slice(before).filter(({ namespace }) => namespace === sync.ns);
      const reads = since.filter(({ verb }) => verb === 'get');
      // Read, taken from the other manager, applied, and told in the status.
      const writes = since.filter(({ verb, kind }) => !['get', 'list'].includes(verb) && kind !== 'Event');
      assert.ok(reads.length <= 1 && writes.length <= 3, since.map(callText).join(', '));
    });

    it('leaves labels and annotations that others add', async () => {
      const sync = await start({ 'a.yaml': yaml(configMap('limits', { rps: '100' })) });
      await sync.ready();
      byHand(sync, 'configmap', 'limits', { metadata: { labels: { team: 'payments' } } }, 'kubectl-label');
      const note = { annotations: { 'example.com/ticket': 'SHOP-12' } };
      byHand(sync, 'configmap', 'limits', { metadata: note, data: { rps: '1' } }, 'kubectl-edit');
      await limitsAre(sync, '100');
      const { metadata } = (await sync.get(resources.configMaps, 'limits')) ?? {};
      assert.deepEqual([metadata?.labels?.team, metadata?.annotations], ['payments', note.annotations]);
    });

    it('shows no difference afterwards', async () => {
      const sync = await start({ 'a.yaml': yaml(configMap('limits', { rps: '100' })) });
      await sync.ready();
      byHand(sync, 'configmap', 'limits', { data: { rps: '1' } });
      await limitsAre(sync, '100');
      const { code, out } = await metricops(sync, 'diff', 'app');
      assert.deepEqual([code, (await live(sync)).status?.drift], [0, undefined]);
      assert.match(out, /no difference/);
      assert.match(out, /reverted at once/);
    });
  });

  describe('with drift: Report', () => {
    const reported = async (sync: StartedSync, count = 1) =>
      eventually(
        async () => {
          const { status } = await live(sync);
          return (status?.drift?.length ?? 0) === count ? (status?.drift ?? []) : undefined;
        },
        { what: `${count} differences in status.drift` },
      );

    it('changes nothing, and shows the difference in the status, in an Event and in metricops diff', async () => {
      const sync = await start(
        { 'a.yaml': yaml(configMap('limits', { rps: '100' }), configMap('banner', { text: 'hi' })) },
        { drift: 'Report' },
      );
      await sync.ready();
      byHand(sync, 'configmap', 'limits', { data: { rps: '1' } });
      const [entry] = await reported(sync);
      assert.deepEqual(entry, {
        id: `${sync.ns}_limits__ConfigMap`,
        fieldManagers: ['kubectl-patch'],
        changes: [{ path: '/data/rps', applied: '"100"', live: '"1"' }],
      });
      assert.match(await drifted(sync), /^True DriftFound .*limits \(\/data\/rps: "100" → "1", by kubectl-patch\)/);
      await noted(sync, 'DriftFound', /limits \(\/data\/rps: "100" → "1", by kubectl-patch\)/);
      const { code, out, err } = await metricops(sync, 'diff', 'app');
      assert.equal(code, 1, err);
      assert.match(out, new RegExp(`ConfigMap +${sync.ns}/limits +/data/rps +"100" +"1" +kubectl-patch`));
      assert.equal(dataOf(await sync.get(resources.configMaps, 'limits')).rps, '1');
      assert.doesNotMatch(out, /banner/);
    });

    it('tells of what was added by hand too, but for what spec.ignoreDifferences leaves to others', async () => {
      const web = deployment('web', 'shop:v1');
      const sync = await start(
        { 'a.yaml': yaml(configMap('limits', { rps: '100' }), web) },
        { drift: 'Report', ignoreDifferences: [{ kind: 'ConfigMap', jsonPointers: ['/data/motd'] }] },
      );
      await sync.ready();
      byHand(sync, 'configmap', 'limits', { data: { burst: '9', motd: 'hi' } });
      const [limits] = await reported(sync);
      assert.deepEqual(limits?.changes, [{ path: '/data/burst', live: '"9"' }]);
      const path = '/spec/template/spec/containers';
      const value = { name: 'debug', image: 'shell:v1' };
      byHand(sync, 'deployment', 'web', [{ op: 'add', path: `${path}/-`, value }]);
      const entries = await reported(sync, 2);
      const added = entries.find(({ id }) => id.includes('web'));
      // The Deployment controller may write its revision between the two reads of a comparison.
      assert.ok(added?.fieldManagers?.includes('kubectl-patch'), String(added?.fieldManagers));
      const change = added?.changes.find((one) => one.path === `${path}/1`);
      assert.deepEqual([change?.applied, /shell:v1/.test(change?.live ?? '')], [undefined, true]);
      assert.match(JSON.stringify(await sync.get(resources.deployments, 'web')), /shell:v1/, 'nothing is written');
    });

    it('reports a deleted object and does not bring it back, not even after a restart', async () => {
      const sync = await start(
        { 'a.yaml': yaml(configMap('limits'), configMap('banner', { v: '1' })) },
        { drift: 'Report' },
      );
      await sync.ready();
      plane().kubectl(['-n', sync.ns, 'delete', 'configmap', 'limits']);
      const deleted = [{ id: `${sync.ns}_limits__ConfigMap`, changes: [{ path: '', live: 'deleted' }] }];
      assert.deepEqual(await reported(sync), deleted);
      await bench().restart();
      byHand(sync, 'configmap', 'banner', { data: { v: '2' } });
      const entries = await reported(sync, 2);
      assert.deepEqual(
        entries.filter(({ id }) => id.includes('limits')),
        deleted,
      );
      assert.equal(await sync.get(resources.configMaps, 'limits'), undefined);
    });

    it('forgets a difference that ended, and corrects all when drift is set to Correct', async () => {
      const sync = await start(
        { 'a.yaml': yaml(configMap('limits', { rps: '100' }), configMap('banner', { v: '1' })) },
        { drift: 'Report' },
      );
      await sync.ready();
      byHand(sync, 'configmap', 'limits', { data: { rps: '1' } });
      byHand(sync, 'configmap', 'banner', { data: { v: '2' } });
      await reported(sync, 2);
      byHand(sync, 'configmap', 'limits', { data: { rps: '100' } });
      const [left] = await reported(sync, 1);
      assert.match(left?.id ?? '', /_banner_/);
      await sync.edit(resources.gitSyncs, 'app', { spec: { drift: 'Correct' } });
      await eventually(async () => dataOf(await sync.get(resources.configMaps, 'banner')).v === '1', {
        what: 'the correction',
      });
      await reported(sync, 0);
      await eventually(async () => /^False/.test(await drifted(sync)), { what: 'the end of Drifted' });
    });

    it('applies what Git says anew, also to an object that was changed by hand', async () => {
      const sync = await start({ 'a.yaml': yaml(configMap('limits', { rps: '100' })) }, { drift: 'Report' });
      await sync.ready();
      byHand(sync, 'configmap', 'limits', { data: { rps: '1' } });
      await reported(sync);
      sync.push({ 'a.yaml': yaml(configMap('limits', { rps: '200' })) });
      await limitsAre(sync, '200');
      await reported(sync, 0);
    });
  });

  describe('of a Secret', () => {
    const everything = async (sync: StartedSync): Promise<string> => {
      const { items } = await plane().client.list(resources.events, { namespace: sync.ns });
      const outputs = await Promise.all(
        [['diff', 'app'], ['diff', 'app', '-o', 'json'], ['sync', 'app'], ['status']].map((argv) =>
          metricops(sync, ...argv),
        ),
      );
      const { status } = await live(sync);
      return JSON.stringify([status, items, outputs]);
    };
    const hides = (text: string, ...values: string[]): void => {
      for (const value of values.flatMap((v) => [v, base64(v)])) assert.ok(!text.includes(value), `shows ${value}`);
    };

    it('is reported without its values, in the status, the Events and metricops diff', async () => {
      const sync = await start({ 'a.yaml': yaml(secret('hunter2-in-git')) }, { drift: 'Report' });
      await sync.ready();
      byHand(sync, 'secret', 'login', { stringData: { password: 'swordfish-by-hand' } });
      await eventually(async () => (await live(sync)).status?.drift?.length === 1, { what: 'status.drift' });
      await noted(sync, 'DriftFound', /Secret .*\/login \(\/data\/password: "\*\*\*" → "\*\*\*", by kubectl-patch\)/);
      const shown = await everything(sync);
      assert.match(shown, /\/data\/password/);
      hides(shown, 'hunter2-in-git', 'swordfish-by-hand');
    });

    it('is corrected without its values in the Event', async () => {
      const sync = await start({ 'a.yaml': yaml(secret('hunter2-in-git')) });
      await sync.ready();
      byHand(sync, 'secret', 'login', { stringData: { password: 'swordfish-by-hand' } });
      await noted(sync, 'DriftCorrected', /Secret .*\/login \(\/data\/password: "\*\*\*" → "\*\*\*"/);
      hides(await everything(sync), 'hunter2-in-git', 'swordfish-by-hand');
    });

    it('is corrected where data was changed, of which Git has the stringData', async () => {
      const sync = await start({ 'a.yaml': yaml(secret('hunter2-in-git')) });
      await sync.ready();
      const password = async () => dataOf(await sync.get(resources.secrets, 'login')).password;
      for (const text of ['swordfish-by-hand', 'again-by-hand']) {
        byHand(sync, 'secret', 'login', { data: { password: base64(text) } });
        await eventually(async () => (await password()) === base64('hunter2-in-git'), { what: 'data of Git' });
      }
    });

    it('that the API server refuses is named without its values', async () => {
      const pin = { ...secret(''), stringData: { pin: 84_120_663, codes: ['sesame-open-up'] } };
      const sync = await start({ 'a.yaml': yaml(pin) });
      await sync.ready('False', /login/);
      hides(await everything(sync), '84120663', 'sesame-open-up');
    });
  });

  describe('by a controller that fights for the same field', () => {
    it('is corrected less and less often, and the status says so', async () => {
      const sync = await start({ 'a.yaml': yaml(configMap('limits', { rps: '100' })) });
      await sync.ready();
      const fight = async (): Promise<boolean> => {
        if (dataOf(await sync.get(resources.configMaps, 'limits')).rps === '100') {
          await byController(sync, resources.configMaps, 'limits', 'rate-tuner', { data: { rps: '7' } });
        }
        return /^True DriftConflict .*limits: rate-tuner keeps overwriting \/data\/rps: reverted \d times/.test(
          await drifted(sync),
        );
      };
      await eventually(fight, { what: 'the report of the conflict', everyMs: 20 });
      // The rate-tuner gives in: the field is corrected once more when the pause is over.
      await limitsAre(sync, '100');
      await eventually(async () => /^False/.test(await drifted(sync)), { what: 'the end of the conflict' });
    });

    it('is no reason to let edits by different causes wait', async () => {
      const sync = await start({ 'a.yaml': yaml(configMap('limits', { rps: '100', burst: '5' })) });
      await sync.ready();
      for (let n = 0; n < 12; n += 1) {
        const field = n % 2 === 0 ? 'rps' : 'burst';
        await byController(sync, resources.configMaps, 'limits', `tuner-${n % 3}`, { data: { [field]: '0' } });
        await eventually(async () => dataOf(await sync.get(resources.configMaps, 'limits'))[field] !== '0', {
          what: `correction ${n}`,
        });
      }
      assert.match(await drifted(sync), /^False/);
    });
  });
});
