import type { RolloutEvidence } from '../release/index.ts';
import type { Finding } from './verdict.ts';

/**
 * What the pods of a release say without any metric. Guilty: they crash again and again, or did not get ready within the
 * progress deadline, and nothing else that could be to blame fails with them. Inconclusive where something else does.
 *
 * @param evidence undefined: its pods are as they should be
 */
export const judgeRollout = (evidence: RolloutEvidence | undefined): Finding => {
  if (!evidence)
    return { result: 'NotGuilty', reason: 'PodsRunning', message: 'its pods run, and do not crash any more' };
  const what = wordsOf(evidence);
  const excuse = excuseOf(evidence);
  if (excuse) return { result: 'Inconclusive', reason: excuse.reason, message: `${what}; ${excuse.message}` };
  const reason = evidence.crashing > 0 ? 'PodsCrash' : 'ProgressDeadlineExceeded';
  const { older } = evidence;
  const others = older.pods > 0 ? `; ${some(older.pods, 'pod')} of the release before it ${be(older.pods)} ready` : '';
  return { result: 'Guilty', reason, message: `${what}${others}` };
};

const wordsOf = ({ pods, crashing, worst }: RolloutEvidence): string => {
  const container = worst && `container ${worst.name}: ${worst.reason}`;
  const who = pods === 1 ? 'its pod crashes' : `${crashing} of its ${pods} pods crash`;
  if (crashing > 0) return `${who} (${container}, ${worst?.restarts} restarts)`;
  const why = container === undefined ? '' : ` (${container})`;
  return `its pods did not get ready within the progress deadline${why}`;
};

const excuseOf = ({ older, neighbours, pods, withoutNode, wasGood }: RolloutEvidence) => {
  if (older.failing > 0) {
    const message = `${older.failing} of ${some(older.pods, 'pod')} of the release before it fail, too`;
    return { reason: 'OthersFailToo', message } as const;
  }
  if (neighbours > 0) {
    const message = `${some(neighbours, 'other workload')} of the namespace ${neighbours === 1 ? 'crashes' : 'crash'}, too`;
    return { reason: 'OthersFailToo', message } as const;
  }
  if (pods > 0 && withoutNode === pods)
    return { reason: 'Unschedulable', message: 'no node takes them, or their node is lost' } as const;
  if (wasGood) return { reason: 'GoodBefore', message: 'the release had been good before that' } as const;
  return undefined;
};

const some = (count: number, what: string): string => `${count} ${what}${count === 1 ? '' : 's'}`;
const be = (count: number): string => (count === 1 ? 'is' : 'are');
