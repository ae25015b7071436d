import type { Clock } from '../clock.ts';
import type { Alertmanager, Silence } from './alertmanager.ts';
import { AlertmanagerError } from './error.ts';
import { type Labels, matchesAll } from './matcher.ts';

/** Whether people silenced some alerts. */
export type SilenceAnswer =
  /** Each of them, until so many milliseconds since the epoch at least. */
  | { is: 'Silenced'; until: number; id: string; by: string; comment: string }
  /** Not all of them. */
  | { is: 'Audible' }
  | { is: 'Unknown'; message: string };

export interface Silences {
  /** @param alerts labels of alerts that fire. Never rejects. */
  of(alerts: readonly Labels[]): Promise<SilenceAnswer>;
}

/** An alert storm asks for the same. */
const KEEP_MS = 5_000;

/** What Alertmanager was asked is shared for some seconds, a failure too. */
export const createSilences = (
  alertmanager: Pick<Alertmanager, 'activeSilences'>,
  clock: Pick<Clock, 'now'>,
): Silences => {
  let asked: { at: number; found: Promise<Silence[]> } | undefined;
  const active = (): Promise<Silence[]> => {
    if (!asked || clock.now() - asked.at >= KEEP_MS) asked = { at: clock.now(), found: alertmanager.activeSilences() };
    return asked.found;
  };
  return {
    async of(alerts) {
      try {
        return answerTo(alerts, await active());
      } catch (error) {
        if (error instanceof AlertmanagerError) return { is: 'Unknown', message: error.message };
        throw error;
      }
    },
  };
};

/** One alert that nobody silenced is enough. Of those that silence them, the one that ends first says when it changes. */
const answerTo = (alerts: readonly Labels[], silences: readonly Silence[]): SilenceAnswer => {
  const found: Silence[] = [];
  for (const labels of alerts) {
    const longest = silences
      .filter(({ matchers }) => matchesAll(matchers, labels))
      .toSorted((a, b) => b.endsAt - a.endsAt)[0];
    if (!longest) return { is: 'Audible' };
    found.push(longest);
  }
  const first = found.toSorted((a, b) => a.endsAt - b.endsAt)[0];
  if (!first) return { is: 'Audible' };
  const { id, createdBy, comment, endsAt } = first;
  return { is: 'Silenced', until: endsAt, id, by: createdBy, comment };
};
