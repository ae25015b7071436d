export { createJudge, type Judge, type Judged } from './judge.ts';
export type { Question } from './question.ts';
