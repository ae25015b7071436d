export { judgeRollout } from './by-rollout.ts';
export { createJudge, type Judge, type Judged } from './judge.ts';
export type { Question } from './question.ts';
