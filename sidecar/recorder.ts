import { setTimeout as sleep } from 'node:timers/promises';
import { isRecorded, nextDelay } from './backoff.ts';
import { type Log, words } from './log.ts';
import type { Answer } from './post.ts';

/** What /metrics shows of the reports. */
export interface RecorderState {
  /** Number of this pod's release, once the server has said it. */
  release: number | undefined;
  /** Unix time in seconds. */
  lastRecorded: number | undefined;
  attempts: { recorded: number; refused: number; failed: number };
}

/**
 * Reports the pod's release, for as long as the pod lives: with back-off until it is taken, then now and again.
 * Never rejects.
 */
export const startRecorder = (ports: {
  post: () => Promise<Answer>;
  log: Log;
  random?: () => number;
  wait?: (ms: number) => Promise<unknown>;
}): { state: RecorderState } => {
  const { post, log, random = Math.random, wait = sleep } = ports;
  const state: RecorderState = {
    release: undefined,
    lastRecorded: undefined,
    attempts: { recorded: 0, refused: 0, failed: 0 },
  };
  let failures = 0;

  const attempt = async (): Promise<number> => {
    const answer = await post().catch((error: unknown) => {
      state.attempts.failed += 1;
      if (isWorthALine(failures + 1)) log('warn', 'report failed', { attempt: failures + 1, err: words(error) });
      return { status: 0, retryAfter: undefined, body: undefined };
    });
    if (isRecorded(answer.status)) {
      const release = typeof answer.body?.release === 'number' ? answer.body.release : undefined;
      if (failures > 0 || release !== state.release || state.lastRecorded === undefined) {
        log('info', 'release recorded', { release, workload: text(answer.body?.workload) });
      }
      state.attempts.recorded += 1;
      state.release = release;
      state.lastRecorded = Date.now() / 1000;
      failures = 0;
    } else {
      failures += 1;
      if (answer.status !== 0) {
        state.attempts.refused += 1;
        if (isWorthALine(failures)) {
          log('warn', 'report not accepted yet', {
            attempt: failures,
            status: answer.status,
            reason: text(answer.body?.code ?? answer.body?.reason),
          });
        }
      }
    }
    return nextDelay(answer, failures, random());
  };

  const run = async (): Promise<void> => {
    for (;;) await wait(await attempt());
  };
  run().catch((error: unknown) => log('error', 'the recorder stopped', { err: words(error) }));
  return { state };
};

/** The 1st, 2nd, 4th, 8th, ... failure: a controller that is away for a day must not fill the pod's log. */
const isWorthALine = (failures: number): boolean => (failures & (failures - 1)) === 0;

const text = (value: unknown): string | undefined => (typeof value === 'string' ? value.slice(0, 200) : undefined);
