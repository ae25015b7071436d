/** Progress on long work: a line when a step begins, its time when it ends. Standard error, so that --json stays clean. */
export interface Progress {
  step<T>(title: string, work: () => Promise<T>): Promise<T>;
  say(line: string): void;
}

export const createProgress = (
  write: (line: string) => void = (line) => void process.stderr.write(`${line}\n`),
): Progress => {
  const start = Date.now();
  const at = (): string => `${((Date.now() - start) / 1000).toFixed(1).padStart(6)} s`;
  return {
    say: (line) => write(`${at()}  ${line}`),
    async step(title, work) {
      const begun = Date.now();
      write(`${at()}  ${title} ...`);
      try {
        const result = await work();
        write(`${at()}  ${title}: done in ${((Date.now() - begun) / 1000).toFixed(1)} s`);
        return result;
      } catch (error) {
        write(`${at()}  ${title}: FAILED: ${error instanceof Error ? error.message : String(error)}`);
        throw error;
      }
    },
  };
};
