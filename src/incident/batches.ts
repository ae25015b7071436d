/**
 * Work by key, one at a time: items that come meanwhile are worked on together next. A flood for one key costs as many
 * rounds as the work is fast, however many items it has.
 */
export const createBatches = <T, R>(
  work: (items: readonly [T, ...T[]]) => Promise<R>,
): ((key: string, item: T) => Promise<R>) => {
  const waiting = new Map<string, { items: [T, ...T[]]; result: Promise<R> }>();
  const last = new Map<string, Promise<unknown>>();
  return (key, item) => {
    const next = waiting.get(key);
    if (next) {
      next.items.push(item);
      return next.result;
    }
    const items: [T, ...T[]] = [item];
    const result = (last.get(key) ?? Promise.resolve()).then(() => {
      waiting.delete(key);
      return work(items);
    });
    waiting.set(key, { items, result });
    const ended = result.then(
      () => forget(),
      () => forget(), // those who brought the items hear of it
    );
    const forget = (): void => {
      if (last.get(key) === ended) last.delete(key);
    };
    last.set(key, ended);
    return result;
  };
};
