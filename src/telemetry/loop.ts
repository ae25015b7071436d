/** How long the main loop was kept busy at a time. */
export interface LoopWatch {
  /** Seconds of CPU that the longest turn took, of those in the last one to two minutes. */
  longest(): number;
}

const EVERY_MS = 20;
const WINDOW_MS = 60_000;

/**
 * A turn of the event loop that computes keeps everything else waiting. Between two ticks of a timer lies at least one
 * turn, so the CPU time of the thread between them is an upper bound of what one turn took, to within the 20 ms of the
 * timer. CPU, not wall time: a process that gets no core is not busy.
 */
export const watchLoop = (): LoopWatch => {
  let last = process.threadCpuUsage();
  let [current, previous] = [0, 0];
  let begun = performance.now();
  setInterval(() => {
    const now = process.threadCpuUsage();
    const micros = now.user + now.system - last.user - last.system;
    last = now;
    if (performance.now() - begun > WINDOW_MS) {
      [current, previous, begun] = [0, current, performance.now()];
    }
    current = Math.max(current, micros);
  }, EVERY_MS).unref();
  return { longest: () => Math.max(current, previous) / 1e6 };
};
