import { createContext, Script } from 'node:vm';

/** For all expressions of one object. They take microseconds unless they are meant to hurt. */
export const DEADLINE_MS = 50;

const SANDBOX = createContext({ job: (): unknown => undefined });
const RUN = new Script('job()');

/** A throttled container, or a busy machine, lets time pass in which nothing was asked: then it is asked again. */
const TRIES = 20;

/** Of this thread, in milliseconds. */
export const cpuTime = (): number => {
  const { user, system } = process.threadCpuUsage();
  return (user + system) / 1000;
};

/** Nothing in the library counts steps, and a regular expression may try for years: the deadline of node:vm ends both. */
export const withinDeadline = <T>(job: () => T): T => {
  const began = cpuTime();
  for (let tries = 1; ; tries += 1) {
    SANDBOX.job = job;
    try {
      return RUN.runInContext(SANDBOX, { timeout: DEADLINE_MS }) as T;
    } catch (error) {
      const worked = cpuTime() - began >= DEADLINE_MS / 2;
      if (!isTimeout(error) || worked || tries >= TRIES) throw error;
    } finally {
      SANDBOX.job = undefined;
    }
  }
};

/** Not by instanceof: the error of a missed deadline is made in the sandbox, whose `Error` is another one. */
export const isTimeout = (error: unknown): boolean =>
  (Object(error) as { code?: unknown }).code === 'ERR_SCRIPT_EXECUTION_TIMEOUT';
