import { setImmediate } from 'node:timers/promises';
import type { ApiRequest, ApiServer } from './api-server.ts';

/** As many turns of the event loop as code that waits for no answer needs, to ask its next question. */
const QUIET_TURNS = 5;

export interface Rounds {
  /** What was asked at the same time, round after round: each one waited for the answers of the one before. */
  asked: readonly (readonly ApiRequest[])[];
  stop(): Promise<void>;
}

/**
 * Lets an API server in memory answer only when nobody has anything more to ask, and all at once: as one whose answers
 * take much longer than everything else. So the length of a chain of requests can be counted instead of measured.
 */
export const answerInRounds = (server: ApiServer): Rounds => {
  const asked: ApiRequest[][] = [];
  let waiting: { request: ApiRequest; answer: () => void }[] = [];
  let stopped = false;
  server.fault = (request) => new Promise((resolve) => waiting.push({ request, answer: () => resolve(undefined) }));
  const answer = (): void => {
    const round = waiting;
    waiting = [];
    for (const one of round) one.answer();
  };
  const run = async (): Promise<void> => {
    while (!stopped) {
      for (let quiet = 0, before = 0; quiet < QUIET_TURNS; before = waiting.length) {
        await setImmediate();
        quiet = waiting.length === before ? quiet + 1 : 0;
      }
      if (waiting.length === 0) continue;
      asked.push(waiting.map(({ request }) => request));
      answer();
    }
  };
  const running = run();
  return {
    asked,
    async stop() {
      stopped = true;
      await running;
      server.fault = () => undefined;
      answer();
    },
  };
};

/** A round as tests compare it: `get Service`, in the order of the alphabet. */
export const wordsOf = (round: readonly ApiRequest[]): string[] =>
  round
    .map(({ verb, type, subresource, dryRun }) => {
      const kind = subresource === undefined ? type.kind : `${type.kind}/${subresource}`;
      return `${verb} ${kind}${dryRun ? ' (dry run)' : ''}`;
    })
    .sort();
