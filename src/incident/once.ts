import type { Clock } from '../clock.ts';
import type { RefusalOfTarget } from './observation.ts';

const FOR_MS = 10_000;

/** Asks once in ten seconds about the same target: each of several incidents asks about those of all of them. */
export const once = (refusalOf: RefusalOfTarget, clock: Pick<Clock, 'now'>): RefusalOfTarget => {
  const asked = new Map<string, { at: number; answer: ReturnType<RefusalOfTarget> }>();
  return (hold) => {
    const now = clock.now();
    for (const [key, { at }] of asked) if (now - at >= FOR_MS) asked.delete(key);
    const key = `${hold.metadata.namespace}/${hold.metadata.name}/${hold.spec.target?.snapshotRef.name}`;
    const answer = asked.get(key)?.answer ?? refusalOf(hold);
    if (!asked.has(key)) asked.set(key, { at: now, answer });
    // Nobody answered: the next one asks.
    answer.catch(() => asked.delete(key));
    return answer;
  };
};
