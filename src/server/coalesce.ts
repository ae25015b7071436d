/**
 * Runs `work` at once, and for those that come within `everyMs` of it one more time at the end of that time, for all of
 * them together. So a replayed or repeated call costs no more than one a while, and none is lost.
 */
export const createCoalescer = (
  everyMs: number,
  onError: (error: unknown) => void,
): ((key: string, work: () => Promise<void>) => Promise<void>) => {
  /** The works of the last while; what waits for its end is run then. */
  const recent = new Map<string, { next: (() => Promise<void>) | undefined }>();
  const run = async (key: string, work: () => Promise<void>): Promise<void> => {
    const own: { next: (() => Promise<void>) | undefined } = { next: undefined };
    recent.set(key, own);
    const end = (): void => {
      if (own.next) run(key, own.next).catch(onError);
      else recent.delete(key);
    };
    setTimeout(end, everyMs).unref();
    await work();
  };
  return async (key, work) => {
    const own = recent.get(key);
    if (own) own.next = work;
    else await run(key, work);
  };
};
