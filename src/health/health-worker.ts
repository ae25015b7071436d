import type { HealthCheck } from '../api/gitsync.ts';
import type { KubeObject } from '../api/meta.ts';
import { serveWorker } from '../worker/serve.ts';
import { compileHealthChecks } from './cel.ts';
import { cpuTime } from './cel-deadline.ts';
import type { Judgement } from './health.ts';

// The thread in which expressions are asked: health-thread.ts starts it and is its only caller.

export interface Judged {
  /** The first expression that is wrong, and why. */
  problem: string | undefined;
  /** Of the first objects, in their order: as many as could be asked in the time. */
  judgements: Judgement[];
  /** Of CPU time. */
  tookMs: number;
}

serveWorker({
  judge(checks: readonly HealthCheck[], objects: readonly KubeObject[], budgetMs: number): Judged {
    const began = cpuTime();
    const tookMs = (): number => cpuTime() - began;
    const { problem, healthOfAll } = compileHealthChecks(checks);
    const judgements = problem === undefined ? healthOfAll(objects, () => tookMs() < budgetMs) : [];
    return { problem, judgements, tookMs: tookMs() };
  },
});
