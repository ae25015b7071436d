import fc from 'fast-check';

/** A parser, given anything: it gives what it should, or refuses with an error of its own. */
export interface Property {
  /** As a line names it. */
  name: string;
  /** Runs it so many times; rejects with what fast-check says, the seed and the smallest input in it. */
  check(options: { runs: number; seed?: number | undefined }): Promise<void>;
}

/** @param holds throws or rejects where it does not hold */
export const property = <T>(
  name: string,
  input: fc.Arbitrary<T>,
  holds: (value: T) => void | Promise<void>,
): Property => ({
  name,
  async check({ runs, seed }) {
    const options = { numRuns: runs, ...(seed === undefined ? {} : { seed }) };
    await fc.assert(
      fc.asyncProperty(input, async (value) => {
        await holds(value);
      }),
      options,
    );
  },
});

/** What a parser may reject with. Anything else is a defect. */
export const orRefused =
  <T>(isOurs: (error: unknown) => boolean, work: (value: T) => unknown) =>
  async (value: T): Promise<void> => {
    try {
      await work(value);
    } catch (error) {
      if (!isOurs(error)) throw error;
    }
  };
