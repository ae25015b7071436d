import assert from 'node:assert/strict';
import { annotations } from '../../src/api/annotations.ts';
import { type Hold, isRollback, requestedBy } from '../../src/api/hold.ts';
import type { KubeObject } from '../../src/api/meta.ts';
import { type ReleaseHistory, releasesOf } from '../../src/api/release-history.ts';
import { newAcceptance } from '../../src/holds/index.ts';
import { resources } from '../../src/kube/index.ts';
import { eventually } from '../support/poll.ts';
import { configMap, deployment, holdBack, imageOf, type StartedSync, useSync, yaml } from '../support/sync.ts';
import { kubectlBeside } from '../support/webhook.ts';

interface Event extends KubeObject {
  type: string;
  reason: string;
  note: string;
  regarding: { kind: string; uid?: string };
}

describe('lifting a Hold', () => {
  const { plane, bench, start } = useSync();

  /** shop:v2 came, and is held at v1; its digest stands in the Hold. */
  const held = async (): Promise<{ sync: StartedSync; hold: Hold; digest: string }> => {
    const sync = await start({ 'app.yaml': yaml(configMap('settings'), deployment('web', 'shop:v1')) });
    await sync.ready();
    const good = await sync.get(resources.deployments, 'web');
    sync.push({ 'app.yaml': yaml(configMap('settings'), deployment('web', 'shop:v2')) });
    const bad = await runs(sync, 'shop:v2');
    await record(sync, bad?.metadata.annotations?.['metricops.dev/source-digest'] ?? '');
    const hold = await holdBack(plane(), sync.ns, { good, bad });
    await runs(sync, 'shop:v1');
    return { sync, hold: await phase(sync, 'web', 'Held'), digest: hold.spec.rejectedDigests?.[0] ?? '' };
  };
  /** As the recorder does. */
  const record = async (sync: StartedSync, sourceDigest: string): Promise<void> => {
    const name = { namespace: sync.ns, name: 'deployment-web' };
    const history = await plane().client.get<ReleaseHistory>(resources.releaseHistories, name);
    assert.ok(history);
    const firstSeenTime = new Date().toISOString();
    const release = {
      number: 2,
      sourceDigest,
      workloadUID: 'u',
      images: [],
      firstSeenTime,
      outcome: 'Active' as const,
    };
    const spec = { ...history.spec, currentRelease: 2, releases: [release] };
    await plane().client.replace<ReleaseHistory>(resources.releaseHistories, { ...history, spec });
  };
  const history = async ({ ns }: StartedSync) =>
    releasesOf(
      await plane().client.get<ReleaseHistory>(resources.releaseHistories, { namespace: ns, name: 'deployment-web' }),
    );
  const runs = (sync: StartedSync, image: string) =>
    eventually(
      async () => {
        const live = await sync.get(resources.deployments, 'web');
        return imageOf(live) === image ? live : undefined;
      },
      { what: `${image} to run`, timeoutMs: 20_000 },
    );
  const phase = (sync: StartedSync, name: string, want: string) =>
    eventually(
      async () => {
        const hold = (await sync.get(resources.holds, name)) as Hold | undefined;
        return hold?.status?.phase === want ? hold : undefined;
      },
      { what: `Hold ${name} in phase ${want}`, timeoutMs: 20_000 },
    );
  const gone = (sync: StartedSync, name: string) =>
    eventually(async () => (await sync.get(resources.holds, name)) === undefined, { what: `the end of Hold ${name}` });
  const remove = ({ ns }: StartedSync, name: string) => plane().client.delete(resources.holds, { namespace: ns, name });
  /** What `kubectl describe` shows of an object: severity and reason of each Event that names this Hold. */
  const eventsOf = async (sync: StartedSync, { kind, metadata }: KubeObject, hold: string): Promise<string[]> => {
    const { items } = await plane().client.list<Event>(resources.events, { namespace: sync.ns });
    return items
      .filter(({ regarding }) => regarding.kind === kind && regarding.uid === metadata.uid)
      .filter(({ note }) => note.startsWith(`Hold ${hold}: `))
      .map(({ type, reason }) => `${type} ${reason}`);
  };
  const reported = (sync: StartedSync, objects: readonly KubeObject[], name: string, want: string) =>
    eventually(
      async () => {
        for (const object of objects) {
          const found = await eventsOf(sync, object, name);
          if (!found.includes(want)) throw new Error(`${object.kind} ${object.metadata.name}: ${found.join(', ')}`);
        }
        return true;
      },
      { what: `${want} of Hold ${name}`, timeoutMs: 20_000 },
    );
  /** creationTimestamp has whole seconds: what is created from now on is younger than the lift. */
  const secondAfter = async (sync: StartedSync): Promise<void> => {
    const lifted = (await history(sync))[0]?.liftedTime ?? '';
    await eventually(() => Math.floor(Date.now() / 1000) * 1000 > Date.parse(lifted), { what: 'the next second' });
  };

  it('is remembered in the history before the Hold goes, and what Git says runs again', async () => {
    const { sync, hold } = await held();
    assert.deepEqual(hold.metadata.finalizers, ['metricops.dev/lift']);
    await remove(sync, 'web');
    await gone(sync, 'web');
    const [release] = await history(sync);
    assert.ok(release?.liftedTime);
    await runs(sync, 'shop:v2');
  });

  it('stands in the Events of the workload and of the Hold, as every phase of the Hold does', async () => {
    const { sync, hold } = await held();
    const web = await sync.get(resources.deployments, 'web');
    assert.ok(web);
    await reported(sync, [web, hold], 'web', 'Warning ReleaseHeld');
    const described = plane().kubectl(['describe', 'deployment/web', '-n', sync.ns]);
    assert.match(described, /Warning +ReleaseHeld .* Hold web: Deployment \S+\/web is back at release 1/);
    sync.push({ 'app.yaml': yaml(configMap('settings'), deployment('web', 'shop:v3')) });
    await phase(sync, 'web', 'Dormant');
    await reported(sync, [web, hold], 'web', 'Normal Dormant');
    await remove(sync, 'web');
    await reported(sync, [web, hold], 'web', 'Normal HoldLifted');
  });

  it('does not help after the second rejection, until a person accepts the release', async function () {
    this.timeout(60_000);
    const { sync, hold, digest } = await held();
    await remove(sync, 'web');
    await gone(sync, 'web');
    await runs(sync, 'shop:v2');
    await secondAfter(sync);
    assert.ok(isRollback(hold));
    const { spec } = hold;
    const metadata = { namespace: sync.ns, name: 'web', annotations: { [annotations.requestedBy]: 'alice' } };
    await plane().client.create<Hold>(resources.holds, { ...hold, metadata, spec });
    await runs(sync, 'shop:v1');
    await remove(sync, 'web');
    await gone(sync, 'web');
    const again = await phase(sync, 'web-again', 'Held');
    assert.equal(requestedBy(again), 'alice');
    const web = await sync.get(resources.deployments, 'web');
    assert.ok(web);
    await reported(sync, [web, again], 'web-again', 'Warning HoldKept');
    assert.match(again.spec.message ?? '', /only accepting lets it run: metricops accept deployment\/web/);
    assert.equal(imageOf(await sync.get(resources.deployments, 'web')), 'shop:v1');

    const workload = { kind: 'Deployment', namespace: sync.ns, name: 'web' } as const;
    await plane().client.create<Hold>(resources.holds, newAcceptance({ workload, digest, message: '' }));
    await runs(sync, 'shop:v2');
    await phase(sync, 'web-again', 'Dormant');
    await remove(sync, 'web-again');
    await gone(sync, 'web-again');
    assert.equal((await plane().client.list(resources.holds, { namespace: sync.ns })).items.length, 1);
  });

  it('is noticed by the controller that comes after, when none ran', async () => {
    const { sync } = await held();
    await bench().restart(async () => {
      await remove(sync, 'web');
      assert.ok(await sync.get(resources.holds, 'web'), 'it waits for the controller');
    });
    await gone(sync, 'web');
    assert.ok((await history(sync))[0]?.liftedTime);
  });

  it('remembers nothing where the history is gone, and lets go at once', async () => {
    const { sync } = await held();
    await plane().client.delete(resources.releaseHistories, { namespace: sync.ns, name: 'deployment-web' });
    await remove(sync, 'web');
    await gone(sync, 'web');
  });

  it('is no lift where the namespace goes: nothing keeps it from going', async () => {
    const { sync } = await held();
    const keep = (finalizers: string[]) =>
      sync.edit(resources.releaseHistories, 'deployment-web', { metadata: { finalizers } });
    await keep(['example.com/keep']);
    plane().kubectl(['delete', 'namespace', sync.ns, '--wait=false']);
    await gone(sync, 'web');
    const [release] = await history(sync);
    await keep([]);
    assert.ok(release);
    assert.equal(release.liftedTime, undefined);
  });

  it('of an acceptance has nothing to wait for', async () => {
    const { sync, digest } = await held();
    const workload = { kind: 'Deployment', namespace: sync.ns, name: 'web' } as const;
    const { metadata } = await plane().client.create<Hold>(
      resources.holds,
      newAcceptance({ workload, digest, message: '' }),
    );
    await kubectlBeside(plane(), [
      'wait',
      `hold/${metadata.name}`,
      '-n',
      sync.ns,
      '--for=condition=Ready',
      '--timeout=20s',
    ]);
    await runs(sync, 'shop:v2');
    await remove(sync, metadata.name);
    await gone(sync, metadata.name);
    await runs(sync, 'shop:v1');
    await kubectlBeside(plane(), ['wait', 'hold/web', '-n', sync.ns, '--for=condition=Held', '--timeout=20s']);
  });
});
