import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, describe, it } from 'mocha';
import { API_VERSION, annotations, labels } from '../../src/api/annotations.ts';
import { type Hold, requestedBy } from '../../src/api/hold.ts';
import type { KubeObject } from '../../src/api/meta.ts';
import type { Release } from '../../src/api/release-history.ts';
import { newDenial, newRollback } from '../../src/holds/index.ts';
import { type ResourceType, resources } from '../../src/kube/index.ts';
import { holdName } from '../../src/snapshot/index.ts';
import { type Outcome, runCli } from '../support/cli.ts';
import { useControlPlane } from '../support/cluster.ts';
import { eventually } from '../support/poll.ts';

const digest = (n: number): string => `v1:${String(n).repeat(64)}`;
const commit = (n: number): string => String(n).repeat(40);

describe('the command line', () => {
  const plane = useControlPlane();
  const dir = mkdtempSync(join(tmpdir(), 'metricops-cli-'));
  after(() => rmSync(dir, { recursive: true, force: true }));

  const metricops = (...argv: string[]): Promise<Outcome> => runCli(plane().kubeconfig, argv);

  /** Creates the object and its status, as the controller would have. */
  const put = async <T extends KubeObject>(type: ResourceType, object: T): Promise<T> => {
    const made = await plane().client.create<T>(type, object);
    if (object.status === undefined) return made;
    const patch = { type: 'merge', body: { status: object.status } } as const;
    return plane().client.patch<T>(type, made.metadata, patch, { subresource: 'status' });
  };

  const release = (number: number, more: Partial<Release>): Release => ({
    number,
    sourceDigest: digest(number),
    workloadUID: 'uid',
    images: [{ container: 'web', image: `metricops.dev/shop:v${number}` }],
    commit: commit(number),
    snapshotRef: { name: `snapshot-${number}` },
    firstSeenTime: new Date(Date.now() - 3_600_000).toISOString(),
    readyTime: new Date(Date.now() - 3_590_000).toISOString(),
    outcome: 'Superseded',
    ...more,
  });

  const deployment = (namespace: string): KubeObject => ({
    apiVersion: 'apps/v1',
    kind: 'Deployment',
    metadata: {
      namespace,
      name: 'web',
      labels: { [labels.sync]: `${namespace}.shop` },
      annotations: { [annotations.sourceDigest]: digest(3) },
    },
    spec: {
      replicas: 0,
      selector: { matchLabels: { app: 'web' } },
      template: { metadata: { labels: { app: 'web' } }, spec: { containers: [{ name: 'web', image: 'web' }] } },
    },
  });

  /** A namespace with the Deployment web at release 3, release 2 its last good one. */
  const shop = async (): Promise<string> => {
    const namespace = await plane().namespace('cli');
    await plane().client.apply(resources.deployments, deployment(namespace), {
      fieldManager: `metricops/${namespace}/shop`,
      force: true,
    });
    await put(resources.releaseHistories, {
      apiVersion: API_VERSION,
      kind: 'ReleaseHistory',
      metadata: { namespace, name: 'deployment-web' },
      spec: {
        workloadRef: { kind: 'Deployment', name: 'web' },
        currentRelease: 3,
        lastGoodRelease: 2,
        releases: [
          release(3, { outcome: 'Active' }),
          release(2, { outcome: 'Good', goodTime: new Date(Date.now() - 3_000_000).toISOString() }),
          release(1, { outcome: 'Rejected', incidentRef: { name: 'web-1-abc' } }),
        ],
      },
    });
    for (const number of [1, 2]) await record(namespace, number);
    return namespace;
  };

  /** What was applied for a release of web, as the controller records it. */
  const record = async (namespace: string, number: number, podSpec: object = {}): Promise<void> => {
    const workload = { ...deployment(namespace), spec: { template: { spec: { containers: [], ...podSpec } } } };
    const metadata = { namespace, name: `snapshot-${number}` };
    const revision = { apiVersion: 'apps/v1', kind: 'ControllerRevision', metadata, revision: 1 };
    await plane().client.create(resources.controllerRevisions, { ...revision, data: { workload, config: [] } });
  };

  const holdsIn = async (namespace: string): Promise<Hold[]> =>
    (await plane().client.list<Hold>(resources.holds, { namespace })).items;

  /** Does for a hold what the controller does. */
  const obey = async (namespace: string, phase: 'Held' | 'Failed'): Promise<void> => {
    const hold = await eventually(async () => (await holdsIn(namespace))[0], { what: 'a hold' });
    const status = { phase, observedGeneration: hold.metadata.generation };
    const patch = { type: 'merge', body: { status } } as const;
    await plane().client.patch(resources.holds, hold.metadata, patch, { subresource: 'status' });
  };

  it('shows the releases of a workload, newest first, and where a rollback would go', async () => {
    const { out, code } = await metricops('history', 'deploy/web', '-n', await shop());
    assert.equal(code, 0);
    const lines = out.split('\n');
    assert.match(lines[0] ?? '', /release 3 is current, a rollback goes to 2/);
    assert.match(lines[2] ?? '', /^RELEASE +STATE +IMAGE +COMMIT +AGE +READY AFTER +DIGEST$/);
    assert.match(lines[3] ?? '', /^3 +current +shop:v3 +33333333 +60m +10.0s +v1:33333333$/);
    assert.match(lines[4] ?? '', /^2 +last good, good +shop:v2/);
    assert.match(lines[5] ?? '', /^1 +rejected by web-1-abc/);
  });

  it('prints objects for scripts', async () => {
    const namespace = await shop();
    const history = JSON.parse((await metricops('history', 'web', '-n', namespace, '-o', 'json')).out);
    assert.equal(history.kind, 'ReleaseHistory');
    assert.equal(history.metadata.managedFields, undefined);
    const list = JSON.parse((await metricops('holds', '-n', namespace, '-o', 'json')).out);
    assert.deepEqual(list, { apiVersion: 'v1', kind: 'List', items: [] });
    assert.match((await metricops('history', 'web', '-n', namespace, '-o', 'yaml')).out, /^kind: ReleaseHistory$/m);
  });

  it('rolls back to the last good release, and waits until the controller has applied it', async () => {
    const namespace = await shop();
    const [outcome] = await Promise.all([metricops('rollback', 'web', '-n', namespace), obey(namespace, 'Held')]);
    assert.equal(outcome.code, 0, outcome.err);
    assert.match(outcome.err, /deployment\/web: release 3 → release 2 \(shop:v2\)/);
    assert.match(outcome.out, /Rolled back in .*The hold is dormant as soon as a commit changes deployment\/web/);
    const [hold] = await holdsIn(namespace);
    assert.equal(hold?.metadata.name, holdName({ kind: 'Deployment', name: 'web' }, digest(3)));
    assert.deepEqual(hold?.spec.rejectedDigests, [digest(3)]);
    assert.deepEqual(hold?.spec.target, { release: 2, sourceDigest: digest(2), snapshotRef: { name: 'snapshot-2' } });
    assert.equal(hold?.spec.origin, 'Manual');
  });

  it('adds a second rollback to the hold that is there', async () => {
    const namespace = await shop();
    await metricops('rollback', 'web', '-n', namespace, '--no-wait');
    const again = await metricops('rollback', 'web', '-n', namespace, '--no-wait', '--to', '1', '-m', 'still bad');
    assert.equal(again.code, 0, again.err);
    const [hold, ...more] = await holdsIn(namespace);
    assert.equal(more.length, 0);
    assert.equal(hold?.spec.target?.release, 1);
    assert.equal(hold?.spec.message, 'still bad (asked by admin)');
  });

  it('puts a dormant hold in force again when the same release comes back', async () => {
    const namespace = await shop();
    await metricops('rollback', 'web', '-n', namespace, '--no-wait');
    const [hold] = await holdsIn(namespace);
    assert.ok(hold);
    const patch = { type: 'merge', body: { status: { phase: 'Dormant' } } } as const;
    await plane().client.patch(resources.holds, hold.metadata, patch, { subresource: 'status' });
    const again = await metricops('rollback', 'web', '-n', namespace, '--no-wait', '-m', 'once more');
    assert.equal(again.code, 0, again.err);
    assert.deepEqual(
      (await holdsIn(namespace)).map((h) => h.spec.message),
      ['once more (asked by admin)'],
    );
  });

  it('changes nothing with --dry-run', async () => {
    const namespace = await shop();
    const { out } = await metricops('rollback', 'web', '-n', namespace, '--dry-run');
    assert.match(out, /release 3 → release 2.*\nNothing was changed/);
    assert.deepEqual(await holdsIn(namespace), []);
  });

  it('writes no hold where the pods of the release need what is not there, and says what', async () => {
    const namespace = await shop();
    const lacking = async (number: number, podSpec: object): Promise<void> => {
      await plane().client.delete(resources.controllerRevisions, { namespace, name: `snapshot-${number}` });
      await record(namespace, number, podSpec);
    };
    await lacking(2, { serviceAccountName: 'web' });
    const missing = `its pods need ServiceAccount ${namespace}/web, which does not exist`;
    const { code, err } = await metricops('rollback', 'web', '-n', namespace, '--to', '2');
    assert.equal(code, 1);
    assert.match(err, new RegExp(`Release 2 can't run: ${missing}.*\\n.*choose another with --to N`));
    const chosen = await metricops('rollback', 'web', '-n', namespace);
    assert.equal(chosen.code, 1);
    assert.match(chosen.err, new RegExp(`No earlier release is known to be good. Release 2 was good, but ${missing}`));
    assert.deepEqual(await holdsIn(namespace), []);
    const account = { apiVersion: 'v1', kind: 'ServiceAccount', metadata: { namespace, name: 'web' } };
    await plane().client.create(resources.serviceAccounts, account);
    assert.equal((await metricops('rollback', 'web', '-n', namespace, '--no-wait')).code, 0);
  });

  it('says when the rollback could not be done, or nobody does it', async () => {
    const namespace = await shop();
    const [failed] = await Promise.all([metricops('rollback', 'web', '-n', namespace), obey(namespace, 'Failed')]);
    assert.equal(failed.code, 1);
    const other = await shop();
    const late = await metricops('rollback', 'web', '-n', other, '--timeout', '100ms');
    assert.equal(late.code, 1);
    assert.match(late.err, /has not applied the target within 0.1s.*\n.*metricops check/);
  });

  it('lifts a hold, by workload or by name', async () => {
    const namespace = await shop();
    await metricops('rollback', 'web', '-n', namespace, '--no-wait');
    assert.match(
      (await metricops('holds', '-n', namespace)).out,
      /deployment\/web +Rollback +Pending +release 2 +v1:33333333 +\S/,
    );
    assert.match((await metricops('lift', 'web', '-n', namespace)).out, /lifted/);
    assert.deepEqual(await holdsIn(namespace), []);
    const nothing = await metricops('lift', 'web', '-n', namespace);
    assert.equal(nothing.code, 1);
    assert.match(nothing.err, /Nothing holds web/);
    await metricops('rollback', 'web', '-n', namespace, '--no-wait');
    const name = (await holdsIn(namespace))[0]?.metadata.name;
    assert.equal((await metricops('lift', `hold/${name}`, '-n', namespace)).code, 0);
  });

  it('accepts the release that is kept out, before it deletes the hold that keeps it out', async () => {
    const namespace = await shop();
    await metricops('rollback', 'web', '-n', namespace, '--no-wait');
    const { out, code } = await metricops('accept', 'web', '-n', namespace, '-m', 'not its fault');
    assert.equal(code, 0);
    assert.match(out, /release v1:33333333 accepted: hold .*-accepted\nhold web-\S+ deleted\n/);
    const said = async () =>
      (await holdsIn(namespace)).map(({ spec }) => [spec.action, spec.acceptedDigests?.[0], spec.message]);
    assert.deepEqual(await said(), [['Accept', digest(3), 'not its fault']]);
    const again = await metricops('rollback', 'web', '-n', namespace, '--no-wait');
    assert.equal(again.code, 1);
    assert.match(again.err, /Release v1:33333333 is accepted: hold .*\n.*metricops lift hold\/web-/);
    assert.equal((await metricops('accept', 'web', '-n', namespace, '--release', '1')).code, 0);
    assert.equal((await said()).length, 2);
  });

  describe('answers an incident', () => {
    /** An incident that waits for a person, of the shop's release 3. */
    const asking = async (): Promise<{ namespace: string; proposal: { name: string; spec: Hold['spec'] } }> => {
      const namespace = await shop();
      const { metadata, spec } = newRollback({
        workload: { kind: 'Deployment', namespace, name: 'web' },
        digest: digest(3),
        target: { number: 2, sourceDigest: digest(2), snapshotRef: { name: 'snapshot-2' } },
        origin: 'Incident',
        incident: 'web-3-abc',
        message: 'its pods fail 12 % of the requests',
      });
      const proposal = { name: metadata.name, spec };
      await put(resources.incidents, {
        apiVersion: API_VERSION,
        kind: 'Incident',
        metadata: { namespace, name: 'web-3-abc' },
        spec: {
          workloadRef: { kind: 'Deployment', name: 'web' },
          suspect: { number: 3, sourceDigest: digest(3) },
          evidence: [],
        },
        status: { phase: 'Judging', proposal },
      });
      return { namespace, proposal };
    };

    it('with approve: creates exactly the hold that it proposes, and says who asked', async () => {
      const { namespace, proposal } = await asking();
      const { code, out, err } = await metricops('approve', 'web-3-abc', '-n', namespace);
      assert.equal(code, 0, err);
      assert.match(out, /Approved: deployment\/web goes back to release 2 \(hold web-\S+\)\.\n.*metricops explain/);
      const [hold] = await holdsIn(namespace);
      assert.deepEqual([hold?.metadata.name, hold?.spec], [proposal.name, proposal.spec]);
      assert.ok(hold && requestedBy(hold) !== 'unknown');
      const { out: listed } = await metricops('holds', '-n', namespace);
      assert.match(listed, new RegExp(`Rollback +Pending +release 2 +v1:33333333 +${requestedBy(hold)}`));
    });

    it('with deny: names the incident that ends without a rollback', async () => {
      const { namespace } = await asking();
      const { code, out, err } = await metricops('deny', 'web-3-abc', '-n', namespace, '-m', 'we fix forward');
      assert.equal(code, 0, err);
      assert.match(out, /Denied: incident web-3-abc ends without a rollback.*Release 3 runs on/);
      const [hold] = await holdsIn(namespace);
      assert.deepEqual(
        [hold?.spec.action, hold?.spec.incidentRef?.name, hold?.spec.message],
        ['Deny', 'web-3-abc', 'we fix forward'],
      );
    });

    it('once: whoever comes later hears what was answered, and by whom', async () => {
      const { namespace, proposal } = await asking();
      assert.equal((await metricops('deny', 'web-3-abc', '-n', namespace)).code, 0);
      const late = await metricops('approve', 'web-3-abc', '-n', namespace);
      assert.equal(late.code, 1);
      assert.match(late.err, /answered already: hold web-\S+ says Deny, asked by \S+\.\n.*metricops lift hold\/web-/);
      assert.deepEqual(
        (await holdsIn(namespace)).map(({ metadata, spec }) => [metadata.name, spec.action]),
        [[proposal.name, 'Deny']],
      );
    });

    it('in place of the denial of an earlier incident, which ended with it', async () => {
      const { namespace, proposal } = await asking();
      const { metadata, spec } = newDenial({
        workload: { kind: 'Deployment', namespace, name: 'web' },
        digest: digest(3),
        incident: 'an-earlier-one',
        message: '',
      });
      await put(resources.holds, { apiVersion: API_VERSION, kind: 'Hold', metadata, spec });
      assert.equal(metadata.name, proposal.name);
      assert.equal((await metricops('approve', 'web-3-abc', '-n', namespace)).code, 0);
      assert.deepEqual(
        (await holdsIn(namespace)).map((hold) => hold.spec.action),
        ['Rollback'],
      );
    });

    it('only while it is open and has something to approve', async () => {
      const { namespace } = await asking();
      const say = async (status: object): Promise<void> => {
        const name = { namespace, name: 'web-3-abc' };
        await plane().client.patch(
          resources.incidents,
          name,
          { type: 'merge', body: { status } },
          { subresource: 'status' },
        );
      };
      await say({ proposal: null, message: 'NoGoodRelease: there is none' });
      const nothing = await metricops('approve', 'web-3-abc', '-n', namespace);
      assert.match(nothing.err, /web-3-abc proposes no rollback: NoGoodRelease/);
      await say({ phase: 'Dismissed' });
      for (const command of ['approve', 'deny'])
        assert.match((await metricops(command, 'web-3-abc', '-n', namespace)).err, /web-3-abc is closed: Dismissed/);
      assert.match((await metricops('approve', 'none', '-n', namespace)).err, /There is no incident none/);
      assert.deepEqual(await holdsIn(namespace), []);
    });
  });

  it('shows the story of an incident with evidence, verdict, rollback and the length of each step', async () => {
    const namespace = await shop();
    const at = (seconds: number): string => new Date(Date.UTC(2026, 0, 1, 12, 0, seconds)).toISOString();
    await put(resources.incidents, {
      apiVersion: API_VERSION,
      kind: 'Incident',
      metadata: { namespace, name: 'web-3-abc' },
      spec: {
        workloadRef: { kind: 'Deployment', name: 'web' },
        suspect: { number: 3, sourceDigest: digest(3), commit: commit(3) },
        evidence: [
          {
            source: 'Alertmanager',
            fingerprint: 'f',
            alert: 'ErrorBudgetBurn',
            status: 'firing',
            labels: { alertname: 'ErrorBudgetBurn', severity: 'page' },
            receivedTime: at(0),
            lastReceivedTime: at(5),
          },
        ],
      },
      status: {
        phase: 'Recovered',
        mode: 'Auto',
        verdict: {
          result: 'Guilty',
          reason: 'NewReleaseFails',
          message: 'only the new pods fail',
          time: at(2),
          objectives: [
            {
              name: 'availability',
              result: 'Guilty',
              reason: 'NewReleaseFails',
              message: 'only the new pods fail',
              query: 'sum(rate(e[5m]))',
              newErrorRatio: '0.198',
              oldErrorRatio: '0.0004',
              newRequests: '500',
              oldRequests: '1500',
              score: 9,
              evidence: [
                { name: 'SideBySide', points: 6, message: 'it fails more in the same minutes' },
                { name: 'Onset', points: 3, message: 'it began with the release' },
              ],
            },
            { name: 'latency', result: 'NotGuilty', reason: 'NotBurning', message: 'all is well' },
          ],
        },
        target: { number: 2, sourceDigest: digest(2), snapshotRef: { name: 'snapshot-2' } },
        holdRef: { name: 'web-0123456789' },
        budgetSpentPercent: '0.42',
        timeline: [
          { time: at(1), phase: 'Judging', message: 'asking Prometheus' },
          { time: at(2), phase: 'RollingBack', message: 'guilty' },
          { time: at(14), phase: 'Recovered', message: 'the burn ended' },
        ],
      },
    });
    const { out, code } = await metricops('explain', 'web-3-abc', '-n', namespace);
    assert.equal(code, 0);
    assert.match(out, /Suspect +release 3, shop:v3, commit 33333333, first seen .* before the alert came/);
    assert.match(
      out,
      /Guilty \(NewReleaseFails\): only the new pods fail\n +availability: Guilty \(NewReleaseFails\), suspect: 19.8 % errors of 500 requests; before: 0.04 % errors of 1500 requests\n +latency: NotGuilty \(NotBurning\)/,
    );
    assert.match(
      out,
      /Findings for availability\n +EVIDENCE +POINTS +WHAT\n +SideBySide +\+6 +it fails more .*\n +Onset +\+3 .*\n +Score +\+9/i,
    );
    assert.match(out, /Query of availability\n +sum\(rate\(e\[5m\]\)\)/);
    assert.match(out, /Rollback +to release 2, shop:v2, held by web-0123456789/);
    assert.match(out, /0.42 % of the error budget/);
    assert.match(out, /ErrorBudgetBurn +firing +Alertmanager +.* ago +severity=page/);
    assert.match(
      out,
      /12:00:00 +0.0s +Alert[^\n]*\n +12:00:01 +\+1.0s +Judging[^\n]*\n[^\n]*\n +12:00:14 +\+12.0s +Recovered/,
    );
    assert.match(out, /metricops accept deployment\/web/);
    const list = await metricops('incidents', '-n', namespace);
    assert.match(list.out, /web-3-abc +deployment\/web +release 3 +Recovered +- +Guilty +1 alert/);
    assert.match((await metricops('incidents', '--open', '-n', namespace)).out, /No open incidents/);
  });

  const gitSync = (namespace: string): KubeObject => ({
    apiVersion: API_VERSION,
    kind: 'GitSync',
    metadata: { namespace, name: 'shop' },
    spec: { source: { git: { url: 'https://git.example.com/shop.git' } } },
  });

  it('asks for a sync, waits for that very one, and fails when it is not ready', async () => {
    const namespace = await plane().namespace('cli');
    await plane().client.create(resources.gitSyncs, gitSync(namespace));
    const handle = async (ready: 'True' | 'False'): Promise<void> => {
      const name = { namespace, name: 'shop' };
      const requested = await eventually(async () => {
        const sync = await plane().client.get(resources.gitSyncs, name);
        const value = sync?.metadata.annotations?.[annotations.requestedAt];
        return (
          value !== (sync?.status as { lastHandledReconcileAt?: string } | undefined)?.lastHandledReconcileAt && value
        );
      });
      const lastTransitionTime = new Date().toISOString();
      const condition = { type: 'Ready', status: ready, reason: 'X', message: `ready is ${ready}`, lastTransitionTime };
      const status = {
        lastHandledReconcileAt: requested,
        lastAppliedRevision: `main@${commit(1)}`,
        conditions: [condition],
      };
      const patch = { type: 'merge', body: { status } } as const;
      await plane().client.patch(resources.gitSyncs, name, patch, { subresource: 'status' });
    };
    const [done] = await Promise.all([metricops('sync', 'shop', '-n', namespace), handle('True')]);
    assert.equal(done.code, 0, done.err);
    assert.match(done.out, /Applied +main@11111111/);
    const [bad] = await Promise.all([metricops('sync', 'shop', '-n', namespace), handle('False')]);
    assert.equal(bad.code, 1);
    assert.match(bad.err, /GitSync shop is not ready: ready is False/);
    const status = await metricops('status', '-n', namespace);
    assert.match(status.out, /GitSyncs\n +NAMESPACE +GITSYNC.*\n.*shop +False +main@11111111/);
  });

  it('shows what was changed by hand, and what a hold keeps out', async () => {
    const namespace = await plane().namespace('cli');
    const { client } = plane();
    const applied = (image: string): KubeObject => {
      const { status: _, ...workload } = deployment(namespace);
      const text = JSON.stringify(workload).replace('"image":"web"', `"image":"${image}"`);
      const copy = JSON.parse(text) as KubeObject;
      copy.metadata.annotations = { [annotations.snapshot]: 's-2' };
      return copy;
    };
    for (const n of [2, 3]) {
      const metadata = { namespace, name: `s-${n}` };
      const data = { workload: applied(`web:v${n}`) };
      const revision = { apiVersion: 'apps/v1', kind: 'ControllerRevision', metadata, revision: 1, data };
      await client.create(resources.controllerRevisions, revision);
    }
    const fieldManager = `metricops/${namespace}/shop`;
    await client.apply(resources.deployments, applied('web:v2'), { fieldManager });
    await put(resources.releaseHistories, {
      apiVersion: API_VERSION,
      kind: 'ReleaseHistory',
      metadata: { namespace, name: 'deployment-web' },
      spec: {
        workloadRef: { kind: 'Deployment', name: 'web' },
        releases: [release(3, { snapshotRef: { name: 's-3' } }), release(2, { snapshotRef: { name: 's-2' } })],
      },
    });
    const inventory = [
      { id: `${namespace}_web_apps_Deployment`, v: 'v1' },
      { id: `${namespace}_web__Service`, v: 'v1' },
    ];
    const sync = await put(resources.gitSyncs, {
      ...gitSync(namespace),
      status: { inventory: { entries: inventory } },
    });
    const before = await metricops('diff', 'shop', '-n', namespace);
    assert.equal(before.code, 0, before.err);
    assert.match(before.out, /: no difference in 2 objects\n/);

    const container = { name: 'web', image: 'web:by-hand' };
    const body = { spec: { template: { spec: { containers: [container] } } } };
    await client.patch(resources.deployments, { namespace, name: 'web' }, { type: 'merge', body });
    const workload = { kind: 'Deployment', name: 'web', namespace };
    const held = [{ workloadRef: workload, holdRef: { name: 'web-123' }, digest: digest(3) }];
    const patch = { type: 'merge', body: { status: { held } } } as const;
    await client.patch(resources.gitSyncs, sync.metadata, patch, { subresource: 'status' });
    const { out } = await metricops('diff', 'shop', '-n', namespace);
    assert.match(
      out,
      /changed in the cluster \(- applied, \+ live\)[\s\S]*\n +- +- image: web:v2\n +\+ +- image: web:by-hand/,
    );
    const isHeld = /held back \(- runs, \+ Git\)[\s\S]*\n +- [^\n]*image: web:v2\n +\+ [^\n]*image: web:v3/;
    assert.match(out, isHeld);

    const reader = readerOf(namespace);
    const shown = await runCli(reader, ['diff', 'shop', '-n', namespace]);
    assert.equal(shown.code, 1, shown.err);
    assert.match(shown.out, isHeld);
    assert.doesNotMatch(shown.out, /changed in the cluster/);
    const refused = `Not compared, since the API server refuses you the dry run: Deployment ${namespace}/web\n`;
    assert.ok(shown.out.includes(`${refused}→ It writes nothing, and yet needs the right to patch them`), shown.out);

    const none = { type: 'merge', body: { status: { held: [] } } } as const;
    await client.patch(resources.gitSyncs, sync.metadata, none, { subresource: 'status' });
    const unknown = await runCli(reader, ['diff', 'shop', '-n', namespace]);
    assert.equal(unknown.code, 2, 'whether there is a difference is not known');
    assert.match(unknown.out, /: no known difference in 2 objects\n\nNot compared/);
    const scripts = await runCli(reader, ['diff', 'shop', '-n', namespace, '-o', 'json']);
    assert.deepEqual(JSON.parse(scripts.out).notCompared, [`Deployment ${namespace}/web`]);
  });

  /** The kubeconfig of an account that may read what `view` may, and write nothing. */
  const readerOf = (namespace: string): string => {
    const { kubectl } = plane();
    const at = ['-n', namespace];
    kubectl([...at, 'create', 'serviceaccount', 'reader']);
    const seen = 'deployments.apps,controllerrevisions.apps,gitsyncs.metricops.dev,releasehistories.metricops.dev';
    kubectl([...at, 'create', 'role', 'reader', '--verb=get,list,watch', `--resource=${seen}`]);
    kubectl([...at, 'create', 'rolebinding', 'reader', '--role=reader', `--serviceaccount=${namespace}:reader`]);
    const token = kubectl([...at, 'create', 'token', 'reader']).trim();
    const own = JSON.parse(kubectl(['config', 'view', '--raw', '--flatten', '-o', 'json']));
    const users = own.users.map(({ name }: { name: string }) => ({ name, user: { token } }));
    const file = join(dir, `${namespace}.json`);
    writeFileSync(file, JSON.stringify({ ...own, users }));
    return file;
  };

  it('suspends and resumes a GitSync, pauses and resumes a workload', async () => {
    const namespace = await shop();
    const { client } = plane();
    await client.create(resources.gitSyncs, gitSync(namespace));
    const suspended = async (): Promise<unknown> =>
      ((await client.get(resources.gitSyncs, { namespace, name: 'shop' }))?.spec as { suspend?: boolean } | undefined)
        ?.suspend;
    await metricops('suspend', 'shop', '-n', namespace);
    assert.equal(await suspended(), true);
    const refused = await metricops('sync', 'shop', '-n', namespace);
    assert.match(refused.err, /is suspended.\n.*metricops resume sync\/shop/);
    await metricops('resume', 'sync/shop', '-n', namespace);
    assert.equal(await suspended(), false);
    await metricops('suspend', 'shop', '-n', namespace);
    assert.equal((await metricops('resume', 'shop', '-n', namespace)).code, 0);
    assert.equal(await suspended(), false);

    const paused = async (): Promise<unknown> =>
      (await client.get(resources.deployments, { namespace, name: 'web' }))?.metadata.annotations?.[annotations.pause];
    await metricops('pause', 'deploy/web', '-n', namespace);
    assert.equal(await paused(), 'true');
    await metricops('resume', 'web', '-n', namespace);
    assert.equal(await paused(), undefined);

    const twin = gitSync(namespace);
    await client.create(resources.gitSyncs, { ...twin, metadata: { ...twin.metadata, name: 'web' } });
    const which = await metricops('resume', 'web', '-n', namespace);
    assert.equal(which.code, 1);
    assert.match(which.err, /GitSync and a Deployment web .*\n.*resume sync\/web.* or .*resume deploy\/web/);
  });

  it('finds opted-in pods that miss the recorder', async () => {
    const namespace = await plane().namespace('cli', { 'metricops.dev/inject': 'enabled' });
    const { client } = plane();
    const workload = deployment(namespace);
    (workload.spec as { replicas: number }).replicas = 2;
    await client.create(resources.deployments, workload);
    await eventually(async () => (await client.list(resources.pods, { namespace })).items.length === 2);
    const { out } = await metricops('status', '-n', namespace);
    assert.match(out, /deployment\/web +2 of 2 +started while the webhook was not there/);
  });

  it('says whether a burn of a workload would lead to a rollback, and what to do where it would not', async () => {
    const namespace = await shop();
    const refused = await metricops('check', 'web', '-n', namespace);
    assert.equal(refused.code, 1);
    assert.match(
      refused.out,
      new RegExp(`^FAILED   not opted in: .*\n +→ kubectl -n ${namespace} annotate deployment/web`),
    );
    assert.match(refused.out, /^FAILED {3}mode DryRun: .*\n +→ kubectl .* annotate .*metricops.dev\/rollback=Auto$/m);
    assert.match(refused.out, /^FAILED {3}no alert reaches it: /m);
    assert.match(refused.err, /3 checks failed\./);
    for (const annotation of ['metricops.dev/inject=true', 'metricops.dev/rollback=Auto'])
      plane().kubectl(['-n', namespace, 'annotate', 'deployment/web', annotation]);
    const { out, code } = await metricops('check', 'web', '-n', namespace);
    assert.equal(code, 0, out);
    assert.match(out, /^ok {7}release 3 runs and is recorded$/m);
    assert.match(out, /^WARN {5}no RollbackPolicy names or selects it/m);
    assert.match(out, /^ok {7}a rollback goes to release 2$/m);
    const { checks } = JSON.parse((await metricops('check', 'web', '-n', namespace, '-o', 'json')).out);
    assert.equal(checks[0].name, 'optedIn');
  });

  it('tells wrong usage, missing things and an absent cluster apart, with what to do next', async () => {
    const namespace = await plane().namespace('cli');
    assert.equal((await metricops('rolback')).code, 2);
    assert.equal((await metricops('rollback')).code, 2);
    assert.equal((await metricops('rollback', 'web', '--to', 'two')).code, 2);
    assert.equal((await metricops('--help')).code, 0);
    const kind = await metricops('history', 'job/web');
    assert.equal(kind.code, 1);
    assert.match(kind.err, /deploy\/NAME, sts\/NAME or ds\/NAME/);
    assert.match((await metricops('history', 'web', '-n', namespace)).err, /There is no deployment\/web in namespace/);
    assert.match((await metricops('explain', 'nothing', '-n', namespace)).err, /metricops incidents -A/);
    await plane().client.apply(resources.deployments, deployment(namespace), {
      fieldManager: `metricops/${namespace}/shop`,
      force: true,
    });
    const unrecorded = await metricops('rollback', 'web', '-n', namespace);
    assert.match(
      unrecorded.err,
      /No release .* is recorded yet.*\n.*annotate deployment\/web metricops.dev\/inject=true/,
    );
  });

  it('has an example in the help of every command that takes an argument', async () => {
    for (const name of [
      'history',
      'explain',
      'rollback',
      'lift',
      'accept',
      'approve',
      'deny',
      'get',
      'sync',
      'diff',
      'test-alert',
      'suspend',
      'pause',
      'resume',
    ]) {
      const { out } = await metricops(name, '--help');
      assert.ok(out.split('Examples:')[1]?.includes(`metricops ${name} `), name);
    }
  });
});
