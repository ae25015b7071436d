import assert from 'node:assert/strict';
import { describe, it } from 'mocha';
import type { RolloutEvidence } from '../release/index.ts';
import { judgeRollout } from './by-rollout.ts';

const crash = { name: 'web', reason: 'CrashLoopBackOff', restarts: 4, crashes: true, endedAt: 0 };
const evidence = (rest: Partial<RolloutEvidence> = {}): RolloutEvidence => ({
  pods: 1,
  crashing: 1,
  withoutNode: 0,
  exceededAt: undefined,
  worst: crash,
  older: { pods: 2, failing: 0 },
  wasGood: false,
  neighbours: 0,
  ...rest,
});
const pulls = { name: 'web', reason: 'ImagePullBackOff', restarts: 0, crashes: false, endedAt: undefined };
const stuck = { crashing: 0, exceededAt: 1, worst: pulls };

describe('what the pods of a release say by themselves', () => {
  const rows: [string, Partial<RolloutEvidence>, string, string][] = [
    [
      'a crash loop beside ready pods of the release before it',
      {},
      'Guilty PodsCrash',
      'its pod crashes (container web: CrashLoopBackOff, 4 restarts); 2 pods of the release before it are ready',
    ],
    [
      'a crash loop with no pod of an earlier release left',
      { pods: 3, crashing: 2, older: { pods: 0, failing: 0 } },
      'Guilty PodsCrash',
      '2 of its 3 pods crash (container web: CrashLoopBackOff, 4 restarts)',
    ],
    [
      'an image that is not there, after the progress deadline',
      stuck,
      'Guilty ProgressDeadlineExceeded',
      'its pods did not get ready within the progress deadline (container web: ImagePullBackOff); 2 pods of the release before it are ready',
    ],
    [
      'pods that run and are never ready',
      { ...stuck, worst: undefined, older: { pods: 1, failing: 0 } },
      'Guilty ProgressDeadlineExceeded',
      'its pods did not get ready within the progress deadline; 1 pod of the release before it is ready',
    ],
    [
      'old pods that fail, too',
      { older: { pods: 2, failing: 1 } },
      'Inconclusive OthersFailToo',
      'its pod crashes (container web: CrashLoopBackOff, 4 restarts); 1 of 2 pods of the release before it fail, too',
    ],
    [
      'a neighbour that crashes, too',
      { neighbours: 1 },
      'Inconclusive OthersFailToo',
      'its pod crashes (container web: CrashLoopBackOff, 4 restarts); 1 other workload of the namespace crashes, too',
    ],
    [
      'neighbours that crash, too',
      { neighbours: 2 },
      'Inconclusive OthersFailToo',
      'its pod crashes (container web: CrashLoopBackOff, 4 restarts); 2 other workloads of the namespace crash, too',
    ],
    [
      'a rollout of which no pod came to be',
      { ...stuck, pods: 0, worst: undefined, older: { pods: 0, failing: 0 } },
      'Guilty ProgressDeadlineExceeded',
      'its pods did not get ready within the progress deadline',
    ],
    [
      'pods that no node takes',
      { ...stuck, worst: undefined, withoutNode: 1 },
      'Inconclusive Unschedulable',
      'its pods did not get ready within the progress deadline; no node takes them, or their node is lost',
    ],
    [
      'a release that had been good',
      { wasGood: true },
      'Inconclusive GoodBefore',
      'its pod crashes (container web: CrashLoopBackOff, 4 restarts); the release had been good before that',
    ],
  ];
  for (const [what, rest, verdict, words] of rows) {
    it(`${what}: ${verdict}`, () => {
      const { result, reason, message } = judgeRollout(evidence(rest));
      assert.deepEqual([`${result} ${reason}`, message], [verdict, words]);
    });
  }

  it('pods that are as they should be: NotGuilty PodsRunning', () => {
    const { result, reason } = judgeRollout(undefined);
    assert.equal(`${result} ${reason}`, 'NotGuilty PodsRunning');
  });
});
