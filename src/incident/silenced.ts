import type { SilenceAnswer } from '../alertmanager/index.ts';
import type { Next } from './move.ts';
import type { Ways } from './ways.ts';

const MAX_AGAIN_MS = 60_000;

/**
 * A person who silenced the alerts knows of them, and nothing is rolled back behind their back. Where nobody can say, a
 * person decides. undefined: there is an alert that nobody silenced.
 *
 * @param what is rolled back, in words
 * @param hold name of the proposed Hold
 */
export const waitForSilence = (
  silence: SilenceAnswer,
  { now, wait, askPerson }: Ways,
  { what, hold }: { what: string; hold: string },
): Next | undefined => {
  const ask = `to roll ${what}, create Hold ${hold} as status.proposal has it`;
  switch (silence.is) {
    case 'Audible':
      return undefined;
    case 'Unknown':
      return askPerson('AlertmanagerUnreachable', `${silence.message.slice(0, 500)}; ${ask}`);
    case 'Silenced': {
      const { id, by, comment, until } = silence;
      const who = `silence ${id} of Alertmanager${by === '' ? '' : ` by ${by.slice(0, 100)}`}`;
      const why = comment === '' ? '' : ` (${comment.slice(0, 200)})`;
      const message = `${who}${why} holds until ${new Date(until).toISOString()}, then it is decided again; ${ask}`;
      return wait('Silenced', message, Math.min(Math.max(until - now, 1_000), MAX_AGAIN_MS), until);
    }
  }
};
