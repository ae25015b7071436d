import type { GitSync } from '../api/gitsync.ts';
import type { KubeObject } from '../api/meta.ts';
import { ReasonError } from '../api/reason-error.ts';
import { createFairSemaphore } from '../fair-semaphore.ts';
import { createWorkerClient } from '../worker/client.ts';
import { isChecked } from './cel.ts';
import { healthOf, type Judgement } from './health.ts';
import type { Judged } from './health-worker.ts';
import { failed, inProgress } from './rules.ts';

export interface HealthThread {
  /**
   * How the objects are, in their order: by the expressions of the GitSync where it has some for their kind, by the rules
   * of kstatus otherwise. Rejects with ReasonError InvalidHealthCheck when an expression is wrong.
   */
  judge(sync: GitSync, objects: readonly KubeObject[]): Promise<Judgement[]>;
  close(): Promise<void>;
}

/** Beside this file; when it is bundled, beside the bundle. */
const WORKER = new URL(import.meta.url.endsWith('.ts') ? './health-worker.ts' : './health-worker.js', import.meta.url);

/** Of the thread's CPU time, for one check of one GitSync. Tens of thousands of simple expressions are asked in it. */
const BUDGET_MS = 1_000;
/** At a time; then it is the turn of another namespace. */
const SLICE_MS = 100;
/** What is sent in one go: copying it costs this thread some milliseconds. */
const MAX_OBJECTS = 200;
const MAX_WEIGHT = 1_000_000;
/** V8's part of the thread. */
export const HEALTH_HEAP_MB = 48;
/** What the deadline of an expression can't interrupt ends with the thread. */
const STUCK_MS = 10_000;

/** A misused expression costs its own GitSync the time of a thread, and nobody the main thread. */
export const createHealthThread = ({ budgetMs = BUDGET_MS } = {}): HealthThread => {
  const worker = createWorkerClient(WORKER, {
    maxHeapMb: HEALTH_HEAP_MB,
    idleMs: 60_000,
    revive: ({ message }) => new ThreadEnded(message),
    ended: (how) =>
      new ThreadEnded(how === 'timeout' ? `within ${STUCK_MS / 1000} s` : `within ${HEALTH_HEAP_MB} MB of memory`),
  });
  /** One after another, namespace by namespace. */
  const turns = createFairSemaphore({ slots: 1, perGroup: 1 });

  const ask = async ({ spec, metadata }: GitSync, objects: readonly KubeObject[], sliceMs: number): Promise<Judged> => {
    const args = [spec.healthCheckExprs, objects.map(withoutOwners), sliceMs];
    try {
      return await turns(metadata.namespace ?? '', () => worker.call<Judged>('judge', args, STUCK_MS));
    } catch (error) {
      if (!(error instanceof ThreadEnded)) throw error;
      const judgement = failed(`its health check expressions can't be asked ${error.message}`);
      return { problem: undefined, judgements: objects.map(() => judgement), tookMs: STUCK_MS };
    }
  };

  const askAll = async (sync: GitSync, objects: readonly KubeObject[]): Promise<Judgement[]> => {
    const judgements: Judgement[] = [];
    let leftMs = budgetMs;
    do {
      const next = portionOf(objects, judgements.length);
      const judged = await ask(sync, next, Math.min(SLICE_MS, leftMs));
      if (judged.problem !== undefined) throw new ReasonError('InvalidHealthCheck', judged.problem);
      judgements.push(...judged.judgements);
      leftMs -= judged.tookMs;
    } while (judgements.length < objects.length && leftMs > 0);
    const unasked = inProgress(
      `not asked: the health check expressions took ${budgetMs / 1000} s of CPU time for ${judgements.length} of ${objects.length} objects`,
    );
    return objects.map((_, i) => judgements[i] ?? unasked);
  };

  return {
    async judge(sync, objects) {
      const checks = sync.spec.healthCheckExprs;
      if (checks.length === 0) return objects.map(healthOf);
      const checked = objects.filter((object) => isChecked(checks, object));
      const judged = new Map((await askAll(sync, checked)).map((judgement, i) => [checked[i], judgement]));
      return objects.map((object) => judged.get(object) ?? healthOf(object));
    },
    close: worker.close,
  };
};

class ThreadEnded extends Error {
  override name = 'ThreadEnded';
}

/** No expression sees them. */
const withoutOwners = ({ metadata: { managedFields: _, ...metadata }, ...rest }: KubeObject): KubeObject =>
  ({ ...rest, metadata }) as KubeObject;

/** The objects from here on that may be sent in one go, one at least. */
const portionOf = (objects: readonly KubeObject[], from: number): KubeObject[] => {
  let weight = 0;
  const end = Math.min(objects.length, from + MAX_OBJECTS);
  for (let i = from; i < end; i += 1) {
    weight += weightOf(objects[i], MAX_WEIGHT - weight);
    if (weight >= MAX_WEIGHT && i > from) return objects.slice(from, i);
  }
  return objects.slice(from, end);
};

/** About the characters of its JSON; it stops counting at the limit. */
const weightOf = (value: unknown, limit: number): number => {
  const waiting: unknown[] = [value];
  let weight = 0;
  while (waiting.length > 0 && weight < limit) {
    const next = waiting.pop();
    weight += typeof next === 'string' ? next.length : 8;
    if (typeof next === 'object' && next !== null) waiting.push(...Object.values(next));
  }
  return weight;
};
