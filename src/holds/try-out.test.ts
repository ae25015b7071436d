import assert from 'node:assert/strict';
import { afterEach, describe, it } from 'mocha';
import { type HoldBench, startHoldBench } from '../../test/support/holds.ts';
import type { KubeObject } from '../api/meta.ts';
import { KubeError, resources } from '../kube/index.ts';
import type { Snapshot } from '../snapshot/index.ts';
import { newAcceptance } from './new-hold.ts';
import { refusalOfTarget } from './try-out.ts';
import type { Account } from './types.ts';

describe('a dry run of the target of a Hold', () => {
  let bench: HoldBench | undefined;
  afterEach(() => bench?.stop());

  interface Fault {
    error: KubeError;
    kinds: readonly string[];
  }
  interface Case {
    snapshot?: Partial<Snapshot>;
    account?: Partial<Account>;
    /** What refuses a dry run of these kinds. */
    fault?: Fault;
  }
  const tried = async ({ snapshot, account, fault }: Case = {}): Promise<string | undefined> => {
    bench = await startHoldBench({}, snapshot);
    const { client, snapshots, server } = bench;
    await client.create(resources.configMaps, settings('2'));
    await client.create(resources.services, serviceFor('web-v2'));
    server.requests.length = 0;
    server.fault = ({ verb, dryRun, type }) => {
      if (verb !== 'get' && verb !== 'list') assert.ok(dryRun, 'nothing is changed');
      if (dryRun && fault?.kinds.includes(type.kind)) throw fault.error;
      return undefined;
    };
    const whole: Account = {
      writer: client,
      fieldManager: 'metricops/shop/app',
      refusalOf: () => undefined,
      leavesTo: () => [],
      wordsOf: ({ message }) => `deployer: ${message}`,
      ...account,
    };
    const accountOf = () => account && whole;
    return refusalOfTarget(bench.rollback(), { client, snapshots, accountOf, workloads: undefined });
  };
  const settings = (value: string): KubeObject => ({
    apiVersion: 'v1',
    kind: 'ConfigMap',
    metadata: { namespace: 'shop', name: 'settings' },
    ...{ data: { value } },
  });
  const serviceFor = (app: string): KubeObject => ({
    apiVersion: 'v1',
    kind: 'Service',
    metadata: { namespace: 'shop', name: 'web' },
    spec: { selector: { app }, ports: [{ port: 80 }] },
  });
  const whole = { config: [settings('1')], selectors: [serviceFor('web')] };
  const dryRuns = (): string[] =>
    (bench?.server.requests ?? []).filter(({ dryRun }) => dryRun).map(({ type }) => type.kind);
  const denied = (kinds: readonly string[]): Fault => ({
    error: new KubeError('exceeded quota', { status: 403, reason: 'Forbidden' }),
    kinds,
  });

  it('says nothing, and changes nothing, where it would be applied', async () => {
    assert.equal(await tried(), undefined);
    assert.equal(bench?.image(), 'shop:v2');
  });

  it('says in the words of the API server what refuses it, or in those of the account', async () => {
    const fault = denied(['Deployment']);
    assert.equal(await tried({ fault }), 'exceeded quota');
    await bench?.stop();
    assert.equal(await tried({ fault, account: {} }), 'deployer: exceeded quota');
  });

  it('is of all that goes back with it: its configuration, and the Service that would not find its pods', async () => {
    assert.equal(await tried({ snapshot: whole, account: {} }), undefined);
    assert.deepEqual(dryRuns(), ['Deployment', 'ConfigMap', 'Service']);
    const { server } = bench as HoldBench;
    assert.deepEqual(server.get(resources.configMaps, 'shop', 'settings')?.data, { value: '2' });
  });

  for (const kind of ['ConfigMap', 'Service'])
    it(`says that its ${kind} would be refused`, async () =>
      assert.equal(await tried({ snapshot: whole, account: {}, fault: denied([kind]) }), 'deployer: exceeded quota'));

  it('is of the workload alone where no GitSync applies it: nothing else goes back', async () => {
    assert.equal(await tried({ snapshot: { ...whole, config: [] } }), undefined);
    assert.deepEqual(dryRuns(), ['Deployment']);
  });

  it('says what its pods need, and is not there', async () => {
    const workload: KubeObject = {
      apiVersion: 'apps/v1',
      kind: 'Deployment',
      metadata: { namespace: 'shop', name: 'web' },
      spec: {
        template: { metadata: { labels: { app: 'web' } }, spec: { serviceAccountName: 'cart', containers: [] } },
      },
    };
    assert.match(
      (await tried({ snapshot: { workload }, account: {} })) ?? '',
      /its pods need ServiceAccount shop\/cart, which does not exist/,
    );
  });

  it('says that the workload is gone', async () => {
    bench = await startHoldBench();
    const { client, snapshots, rollback } = bench;
    await client.delete(resources.deployments, { namespace: 'shop', name: 'web' });
    const ports = { client, snapshots, accountOf: () => undefined, workloads: undefined };
    assert.equal(await refusalOfTarget(rollback(), ports), 'Deployment shop/web does not exist');
  });

  it('says what the platform refuses its GitSync', async () =>
    assert.equal(await tried({ account: { refusalOf: () => 'no account' } }), 'no account'));

  it('says nothing where nobody answered: it rejects', () =>
    assert.rejects(
      tried({
        fault: { error: new KubeError('no answer', { status: 0, reason: 'Unreachable' }), kinds: ['Deployment'] },
      }),
      KubeError,
    ));

  it('says that the snapshot is gone, and nothing of a Hold that goes nowhere', async () => {
    bench = await startHoldBench();
    const { client, snapshots, rollback } = bench;
    const ports = { client, snapshots, accountOf: () => undefined, workloads: undefined };
    const target = { number: 1, sourceDigest: `v1:${'0'.repeat(64)}`, snapshotRef: { name: 'gone' } };
    assert.match((await refusalOfTarget(rollback({ target }), ports)) ?? '', /ControllerRevision gone is gone/);
    const workload = { kind: 'Deployment', namespace: 'shop', name: 'web' } as const;
    const accepted = newAcceptance({ workload, digest: target.sourceDigest, message: '' });
    assert.equal(await refusalOfTarget(accepted, ports), undefined);
  });
});
