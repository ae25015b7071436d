export { judgeRollout } from './by-rollout.ts';
export { createJudge, type Judge, type Judged } from './judge.ts';
export { onsetOfVerdict } from './onset-of-verdict.ts';
export type { Neighbour, Question } from './question.ts';
export { replay } from './replay.ts';
export type { RestoredRatio } from './restored.ts';
export { alertedAt } from './time.ts';
