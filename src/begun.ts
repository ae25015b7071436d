/** What was begun before anybody is known to need it: whoever asks for it hears of its failure, and nobody else has to. */
export const begun = <T>(promise: Promise<T>): (() => Promise<T>) => {
  promise.catch(() => {});
  return () => promise;
};
