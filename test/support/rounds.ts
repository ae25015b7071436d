import { setImmediate } from 'node:timers/promises';
import type { ApiRequest, ApiServer } from './api-server.ts';

/** As many turns of the event loop as code that waits for no answer needs, to ask its next question. */
const QUIET_TURNS = 10;

export interface Rounds {
  /**
   * What was asked at the same time, round after round: each one waited for the answers of the one before. As tests
   * compare it, in the order of the alphabet: `get Service`, `apply Deployment (dry run)`.
   */
  asked: readonly (readonly string[])[];
  /** Somebody else's question, which is answered with those of its round. */
  ask(what: string): Promise<void>;
  stop(): Promise<void>;
}

/**
 * Lets an API server in memory answer only when nobody has anything more to ask, and all at once: as one whose answers
 * take much longer than everything else. So the length of a chain of requests can be counted instead of measured.
 */
export const answerInRounds = (server: ApiServer): Rounds => {
  const asked: string[][] = [];
  let waiting: { what: string; answer: () => void }[] = [];
  let stopped = false;
  const ask = (what: string): Promise<void> => new Promise((answer) => waiting.push({ what, answer }));
  server.fault = (request) => ask(wordsOf(request)).then(() => undefined);
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
      asked.push(waiting.map(({ what }) => what).sort());
      answer();
    }
  };
  const running = run();
  return {
    asked,
    ask,
    async stop() {
      stopped = true;
      await running;
      server.fault = () => undefined;
      answer();
    },
  };
};

const wordsOf = ({ verb, type, subresource, dryRun }: ApiRequest): string => {
  const kind = subresource === undefined ? type.kind : `${type.kind}/${subresource}`;
  return `${verb} ${kind}${dryRun ? ' (dry run)' : ''}`;
};
