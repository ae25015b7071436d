import assert from 'node:assert/strict';
import { afterEach, describe, it } from 'mocha';
import { type HoldBench, startHoldBench } from '../../test/support/holds.ts';
import { KubeError } from '../kube/index.ts';
import { newAcceptance } from './new-hold.ts';
import { refusalOfTarget } from './try-out.ts';
import type { Account } from './types.ts';

describe('a dry run of the target of a Hold', () => {
  let bench: HoldBench | undefined;
  afterEach(() => bench?.stop());

  const tried = async (fault?: KubeError, account?: Partial<Account>): Promise<string | undefined> => {
    bench = await startHoldBench();
    const { client, snapshots, server } = bench;
    server.fault = ({ verb, dryRun }) => {
      if (verb !== 'get') assert.ok(dryRun, 'nothing is changed');
      if (fault && dryRun) throw fault;
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
    return refusalOfTarget(bench.rollback(), { client, snapshots, accountOf: () => account && whole });
  };
  const denied = new KubeError('exceeded quota: limits.cpu', { status: 403, reason: 'Forbidden' });

  it('says nothing, and changes nothing, where it would be applied', async () => {
    assert.equal(await tried(), undefined);
    assert.equal(bench?.image(), 'shop:v2');
  });

  it('says in the words of the API server what refuses it, or in those of the account', async () => {
    assert.equal(await tried(denied), 'exceeded quota: limits.cpu');
    await bench?.stop();
    assert.equal(await tried(denied, {}), 'deployer: exceeded quota: limits.cpu');
  });

  it('says what the platform refuses its GitSync', async () =>
    assert.equal(await tried(undefined, { refusalOf: () => 'no account' }), 'no account'));

  it('says nothing where nobody answered: it rejects', () =>
    assert.rejects(tried(new KubeError('no answer', { status: 0, reason: 'Unreachable' })), KubeError));

  it('says that the snapshot is gone, and nothing of a Hold that goes nowhere', async () => {
    bench = await startHoldBench();
    const { client, snapshots, rollback } = bench;
    const ports = { client, snapshots, accountOf: () => undefined };
    const target = { number: 1, sourceDigest: `v1:${'0'.repeat(64)}`, snapshotRef: { name: 'gone' } };
    assert.match((await refusalOfTarget(rollback({ target }), ports)) ?? '', /ControllerRevision gone is gone/);
    const workload = { kind: 'Deployment', namespace: 'shop', name: 'web' } as const;
    const accepted = newAcceptance({ workload, digest: target.sourceDigest, message: '' });
    assert.equal(await refusalOfTarget(accepted, ports), undefined);
  });
});
