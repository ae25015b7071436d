import assert from 'node:assert/strict';
import { describe, it } from 'mocha';
import { annotations, labels } from '../api/annotations.ts';
import type { KubeObject } from '../api/meta.ts';
import type { Release } from '../api/release-history.ts';
import { workloadCacheOptions } from '../ssa/template-writers.ts';
import { liveDigest } from './digest.ts';
import { withPins } from './pin.ts';
import { hasTemplateOf, recordedDigest, runningRelease } from './running.ts';

const STAMP = `v1:${'a'.repeat(64)}`;
const template = (image: string): object => ({
  metadata: { labels: { app: 'web' } },
  spec: { containers: [{ name: 'web', image }] },
});
const writer = (manager: string, minute: number): object => ({
  manager,
  operation: 'Update',
  time: `2026-03-01T12:${String(minute).padStart(2, '0')}:00Z`,
  fieldsV1: { 'f:spec': { 'f:template': { 'f:spec': {} } } },
});
const STAMPS = { 'f:metadata': { 'f:annotations': { [`f:${annotations.sourceDigest}`]: {} } } };
const undo = (manager: string, operation = 'Update'): object => ({
  ...writer(manager, 5),
  operation,
  fieldsV1: { 'f:spec': { 'f:template': { 'f:spec': {} } }, ...STAMPS },
});
const workload = (managedFields: object[], kind = 'Deployment'): KubeObject => ({
  apiVersion: 'apps/v1',
  kind,
  metadata: {
    name: 'web',
    namespace: 'shop',
    labels: { [labels.sync]: 'shop.all' },
    annotations: { [annotations.sourceDigest]: STAMP },
    managedFields,
  },
  spec: { template: template('registry:5000/shop:v2') },
});
const LIVE = liveDigest(template('registry:5000/shop:v2'));
const GIT = writer('metricops/shop/all', 0);

describe('which release runs', () => {
  for (const [what, object, expected] of [
    ['what its GitSync stamped', workload([GIT]), [STAMP, true, undefined]],
    [
      'the live template after an edit by hand',
      workload([GIT, writer('kubectl-edit', 5)]),
      [LIVE, false, 'kubectl-edit'],
    ],
    ['the stamp again once the GitSync reverted the edit', workload([writer('kubectl-edit', 0), GIT]), [STAMP, true]],
    ['the live template of a manifest that was copied with its labels', workload([writer('kubectl-create', 0)])],
    ['what kubectl rollout undo brought back', workload([GIT, undo('kubectl')]), [STAMP, false, 'kubectl']],
    ['what an undo with another tool brought back', workload([GIT, undo('k9s')]), [STAMP, false, 'k9s']],
    [
      'what an undo with kubectl rollout brought back, by its later name',
      workload([GIT, undo('kubectl-rollout')]),
      [STAMP, false, 'kubectl-rollout'],
    ],
    [
      'what an undo with a tool brought back that is named after kubectl',
      workload([GIT, undo('visual-kubectl-next')]),
      [STAMP, false, 'visual-kubectl-next'],
    ],
    ['the live template where an old manifest was put there', workload([GIT, undo('kubectl-replace')])],
    ['the live template where one was applied', workload([GIT, undo('kubectl', 'Apply')])],
    ['the live template after another write of kubectl', workload([GIT, writer('kubectl', 5)])],
    [
      'the live template after an undo of a kind whose annotations do not come back',
      workload([GIT, undo('kubectl')], 'StatefulSet'),
    ],
  ] as [string, KubeObject, [string, boolean, string?]?][])
    it(`is ${what}`, () => {
      const [digest, fromGit, byHand] = expected ?? [LIVE, false];
      const said = runningRelease(object);
      assert.deepEqual([said.digest, said.fromGit], [digest, fromGit]);
      if (byHand) assert.equal(said.byHand, byHand);
      assert.deepEqual(runningRelease(workloadCacheOptions.trim?.(structuredClone(object)) ?? object), said, 'watched');
    });

  it('is the recorded release where a backup tool created it again, and another with another image', () => {
    const restored = workload([writer('velero-server', 0)]);
    const release = (image: string): Release => ({
      number: 1,
      sourceDigest: STAMP,
      workloadUID: 'u',
      images: [{ container: 'web', image }],
      firstSeenTime: '2026-03-01T12:00:00Z',
      outcome: 'Active',
    });
    assert.equal(recordedDigest(restored, [release('registry:5000/shop:v2')]), STAMP);
    assert.equal(recordedDigest(restored, [release('registry:5000/shop:v1')]), LIVE);
    assert.equal(recordedDigest(restored, []), LIVE, 'copied to another place');
  });

  it('is the recorded release where a rollback wrote its images by content', () => {
    const content = `sha256:${'b'.repeat(64)}`;
    const release = (number: number, image: string, imageID?: string): Release => ({
      number,
      sourceDigest: liveDigest(template(image)),
      workloadUID: 'u',
      images: [{ container: 'web', image, ...(imageID === undefined ? {} : { imageID }) }],
      firstSeenTime: '2026-03-01T12:00:00Z',
      outcome: 'Active',
    });
    const image = 'registry:5000/shop:latest';
    const releases = [release(2, 'registry:5000/shop:v3'), release(1, image, `registry:5000/shop@${content}`)];
    const restored = { ...workload([]), spec: { template: template(image) } };
    const pinned = withPins(restored, [{ container: 'web', image: `registry:5000/shop@${content}` }]);
    assert.equal(recordedDigest(pinned, releases), releases[1]?.sourceDigest);
    assert.equal(recordedDigest(pinned, []), liveDigest(pinned.spec && (pinned.spec as { template: object }).template));
    const other = withPins(restored, [{ container: 'web', image: `registry:5000/shop@sha256:${'c'.repeat(64)}` }]);
    assert.notEqual(recordedDigest(other, releases), releases[1]?.sourceDigest, 'another content');
  });

  describe('where a history knows it by more than one name', () => {
    const release = (sourceDigest: string): Release => ({
      number: 1,
      sourceDigest,
      workloadUID: 'u',
      images: [{ container: 'web', image: 'registry:5000/shop:v2' }],
      firstSeenTime: '2026-03-01T12:00:00Z',
      outcome: 'Active',
    });
    const restored = workload([writer('velero-server', 0)]);
    const without = (part: 'labels' | 'annotations'): KubeObject => {
      const { [part]: _, ...metadata } = restored.metadata;
      return { ...restored, metadata };
    };
    for (const [what, object, releases, expected] of [
      ['is what the GitSync stamped', workload([GIT]), [release(LIVE)], STAMP],
      ['is what was edited by hand', workload([GIT, writer('kubectl-edit', 5)]), [release(STAMP)], LIVE],
      ['is what the template says, where that is recorded', restored, [release(STAMP), release(LIVE)], LIVE],
      ['is no release of a workload without the label of a GitSync', without('labels'), [release(STAMP)], LIVE],
      ['is no release of a workload without a stamp', without('annotations'), [release(STAMP)], LIVE],
      ['is no release of another stamp', restored, [release(`v1:${'c'.repeat(64)}`)], LIVE],
    ] as const)
      it(what, () => assert.equal(recordedDigest(object, releases), expected));
  });

  it('is the live template where the GitSync stamped nothing, or its label was taken off', () => {
    const applied = workload([GIT]);
    for (const part of ['labels', 'annotations'] as const) {
      const { [part]: _, ...metadata } = applied.metadata;
      assert.deepEqual(runningRelease({ ...applied, metadata }), { digest: LIVE, fromGit: false, byHand: undefined });
    }
  });

  it('is the same in two workloads with the same pod template, whatever else differs', () => {
    const stamped = workload([GIT]);
    const { metadata } = workload([], 'StatefulSet');
    const bare = { ...stamped, metadata: { ...metadata, annotations: {}, labels: {} } };
    assert.equal(hasTemplateOf(stamped, bare), true);
    assert.equal(hasTemplateOf(stamped, { ...bare, spec: { template: template('registry:5000/shop:v3') } }), false);
  });
});
