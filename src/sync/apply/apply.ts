import type { GitSync } from '../../api/gitsync.ts';
import { type ApplyProblem, problemOf } from '../objects/problem.ts';
import { batchesOf, stageOf } from '../plan/apply-order.ts';
import type { PlannedObject } from '../plan/types.ts';
import { applyOne } from './apply-one.ts';
import { awaitEstablished } from './crd-established.ts';
import type { ApplyContext, ApplyPorts } from './types.ts';

const CONCURRENCY = 20;

/** Applies the objects class by class. One that is refused stops nobody else; each is named in the problems. */
export const applyAll = async (
  sync: GitSync,
  planned: readonly PlannedObject[],
  context: ApplyContext,
  ports: ApplyPorts,
): Promise<ApplyProblem[]> => {
  const problems: ApplyProblem[] = [];
  for (const batch of batchesOf(planned)) {
    const queue = [...batch];
    const worker = async (): Promise<void> => {
      for (let next = queue.shift(); next; next = queue.shift()) {
        ports.signal.throwIfAborted();
        const problem = await applyOne(sync, next, context, ports).catch(problemOf(next, ports.discovery));
        if (problem) problems.push(problem);
      }
    };
    await Promise.all(Array.from({ length: Math.min(CONCURRENCY, queue.length) }, worker));
    if (batch.some(({ object }) => stageOf(object) === 0)) await awaitEstablished(batch, ports);
  }
  return problems.toSorted((a, b) => (a.key < b.key ? -1 : 1)); // the same words at each try
};
