import { type Alertmanager, createAlertmanager } from './alertmanager.ts';
import { AlertmanagerError } from './error.ts';

/**
 * The members of one cluster of Alertmanager. They share their silences, so one answer will do. Alerts they do not share:
 * each gets all of them, as Prometheus sends them.
 *
 * @param urls one for each member, at least one
 */
export const createAlertmanagers = ({ urls, token }: { urls: readonly string[]; token?: string }): Alertmanager => {
  const members = urls.map((url) => ({
    name: hostOf(url),
    ...createAlertmanager({ url, ...(token === undefined ? {} : { token }) }),
  }));
  return {
    async activeSilences() {
      let failure: unknown;
      for (const member of members) {
        try {
          return await member.activeSilences();
        } catch (error) {
          failure ??= error;
        }
      }
      throw failure;
    },
    async postAlerts(alerts) {
      const results = await Promise.allSettled(members.map((member) => member.postAlerts(alerts)));
      const failures = results.flatMap((result, i) =>
        result.status === 'rejected' ? [`${members[i]?.name}: ${wordsOf(result.reason)}`] : [],
      );
      if (failures.length === 0) return;
      const of = `${failures.length} of ${members.length} members of Alertmanager`;
      throw new AlertmanagerError(`${of} may not have taken the alerts: ${failures.join('; ')}`);
    },
    async close() {
      await Promise.all(members.map((member) => member.close()));
    },
  };
};

/** A URL may hold a password. */
const hostOf = (url: string): string => URL.parse(url)?.host ?? 'a member';

const wordsOf = (error: unknown): string => (error instanceof Error ? error.message : String(error));
