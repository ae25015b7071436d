import { createFairSemaphore } from '../../fair-semaphore.ts';
import type { Rendered } from '../../render/index.ts';

/** Bytes of manifests from which on a sync holds much of the main thread's memory for as long as it applies them. */
const LARGE_BYTES = 1_000_000;
/** Objects take some six times the bytes of their manifests: four of the largest are half of the heap's worst case. */
export const LARGE_SYNCS = { slots: 4, perGroup: 2 };

/**
 * Renders, and does the work with what was rendered. What is large is in the hands of few syncs at a time, shared by
 * namespace: one that is found to be is let go of, and rendered again when its turn has come.
 * @param expected bytes of the render before; 0 when there was none
 */
export type WithRender = <T>(
  tenant: string,
  expected: number,
  render: () => Promise<Rendered>,
  work: (rendered: Rendered) => Promise<T>,
) => Promise<T>;

export const createLargeRenders = (limits = LARGE_SYNCS): WithRender => {
  const turns = createFairSemaphore(limits);
  return async (tenant, expected, render, work) => {
    const small = expected < LARGE_BYTES ? await ifSmall(render, work) : undefined;
    return small ? small.result : turns(tenant, async () => work(await render()));
  };
};

const ifSmall = async <T>(
  render: () => Promise<Rendered>,
  work: (rendered: Rendered) => Promise<T>,
): Promise<{ result: T } | undefined> => {
  const rendered = await render();
  return rendered.bytes < LARGE_BYTES ? { result: await work(rendered) } : undefined;
};
