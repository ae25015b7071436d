import assert from 'node:assert/strict';
import { describe, it } from 'mocha';
import type { KubeObject } from '../src/api/meta.ts';
import { canBeRecreated } from './recreate.ts';
import { createStuckPods, type StuckPod } from './stuck.ts';

const IMAGE = 'registry.example.com/sidecar:1';
const owner = { apiVersion: 'apps/v1', kind: 'ReplicaSet', name: 'web', uid: 'rs', controller: true };

interface Change {
  image?: string;
  annotation?: string;
  state?: object;
  started?: boolean;
  restartCount?: number;
  initialized?: boolean;
  app?: object;
  before?: object[];
}

const pod = (uid: string, change: Change = {}): KubeObject => ({
  apiVersion: 'v1',
  kind: 'Pod',
  metadata: {
    namespace: 'shop',
    name: uid,
    uid,
    annotations: { 'metricops.dev/injection': change.annotation ?? 'injected' },
    ownerReferences: [owner],
  },
  spec: { initContainers: [{ name: 'metricops-recorder', image: change.image ?? IMAGE }] },
  status: {
    phase: 'Pending',
    conditions: [{ type: 'Initialized', status: change.initialized ? 'True' : 'False' }],
    initContainerStatuses: [
      ...(change.before ?? []),
      {
        name: 'metricops-recorder',
        state: change.state ?? { running: {} },
        started: change.started ?? false,
        restartCount: change.restartCount ?? 0,
      },
    ],
    containerStatuses: [{ name: 'app', state: change.app ?? { waiting: { reason: 'PodInitializing' } } }],
  },
});
const waiting = (reason: string, change: Change = {}): KubeObject =>
  pod('p', { ...change, state: { waiting: { reason } } });

/** What is stuck after 20 s of looks, with the pod as it is. */
const afterwards = (...pods: KubeObject[]): StuckPod[] => {
  let now = 0;
  const stuck = createStuckPods({ clock: { now: () => now }, image: IMAGE });
  for (; now < 20_000; now += 3_000) stuck.look(pods);
  return stuck.look(pods).stuck;
};

describe('pods that the recorder keeps from starting', () => {
  for (const reason of [
    'ErrImagePull',
    'ImagePullBackOff',
    'InvalidImageName',
    'ErrImageNeverPull',
    'CrashLoopBackOff',
    'CreateContainerError',
    'CreateContainerConfigError',
    'RunContainerError',
    'WhatKubeletsWillSayTomorrow',
  ]) {
    it(`are those whose recorder waits for ${reason}, from the first on`, () => {
      assert.equal(afterwards(waiting(reason)).length, 1);
    });
  }

  it('are those whose recorder ends as soon as it starts (another architecture), between two tries, too', () => {
    let now = 0;
    const stuck = createStuckPods({ clock: { now: () => now }, image: IMAGE });
    const states = [
      { terminated: { exitCode: 128, reason: 'StartError', message: 'exec format error' } },
      { waiting: { reason: 'CrashLoopBackOff' } },
      { running: {} },
    ];
    for (; now < 24_000; now += 3_000) stuck.look([pod('p', { state: states[(now / 3_000) % 3] ?? {} })]);
    assert.equal(stuck.look([pod('p', { state: states[0] ?? {} })]).stuck[0]?.words, 'StartError: exec format error');
  });

  it('are those on a kubelet that waits for the end of the recorder', () => {
    assert.match(afterwards(pod('p'))[0]?.words ?? '', /no native sidecars/);
    assert.equal(afterwards(pod('p', { started: true })).length, 0);
    assert.equal(afterwards(pod('p', { initialized: true })).length, 0);
    const migrating = [{ name: 'migrate', state: { running: {} } }];
    assert.equal(afterwards(pod('p', { before: migrating })).length, 0, 'it is the application that takes its time');
  });

  it('are not those of a hiccup, nor those that only begin', () => {
    let now = 0;
    const stuck = createStuckPods({ clock: { now: () => now }, image: IMAGE });
    assert.equal(stuck.look([waiting('ErrImagePull')]).stuck.length, 0);
    now = 10_000;
    assert.equal(stuck.look([pod('p', { started: true })]).stuck.length, 0);
    now = 40_000;
    assert.deepEqual(
      stuck.look([pod('p', { started: true })]).recording.map(({ seenAt }) => seenAt),
      [0],
    );
    for (const reason of ['PodInitializing', 'ContainerCreating']) assert.equal(afterwards(waiting(reason)).length, 0);
  });

  it('are out of service, too, where the recorder crashes again and again beside the application', () => {
    const beside: Change = { initialized: true, app: { running: {} } };
    assert.equal(afterwards(waiting('CrashLoopBackOff', { ...beside, restartCount: 1 })).length, 0);
    assert.equal(afterwards(waiting('CrashLoopBackOff', { ...beside, restartCount: 3 })).length, 1);
  });

  it("are not another tenant's containers of that name, with an image of their own or without our word", () => {
    assert.equal(afterwards(waiting('ErrImagePull', { image: 'tenant/nothing:1' })).length, 0);
    assert.equal(afterwards(waiting('ErrImagePull', { annotation: 'skipped: HostNetwork' })).length, 0);
  });

  it('count once, however long they stay', () => {
    let now = 0;
    const stuck = createStuckPods({ clock: { now: () => now }, image: IMAGE });
    let news = 0;
    for (; now < 300_000; now += 3_000)
      news += stuck.look([waiting('ErrImagePull')]).stuck.filter(({ isNew }) => isNew).length;
    assert.equal(news, 1);
  });

  it('are made again where somebody makes them, and where nothing else is in the way', () => {
    assert.equal(canBeRecreated(waiting('ErrImagePull')), true);
    const bare = waiting('ErrImagePull');
    bare.metadata.ownerReferences = [{ ...owner, controller: false }];
    assert.equal(canBeRecreated(bare), false, 'nobody would make it again');
    const app = { waiting: { reason: 'CrashLoopBackOff' } };
    assert.equal(canBeRecreated(waiting('CrashLoopBackOff', { initialized: true, app })), false);
    const job = waiting('CrashLoopBackOff', { initialized: true, app: { running: {} } });
    job.metadata.ownerReferences = [{ ...owner, apiVersion: 'batch/v1', kind: 'Job' }];
    assert.equal(canBeRecreated(job), false, 'a Job would count it as a failure');
  });
});
