import type { Counter } from 'prom-client';
import type { Reason } from '../api/reasons.ts';
import type { ServerPorts } from './types.ts';

export interface Refusals {
  /** One request to this path was answered with an error. */
  count(path: string, problem: { code: Reason; status: number }, address: string): void;
}

const LOG_EVERY_MS = 60_000;
const ENDPOINTS = ['alerts', 'push', 'records'] as const;

/**
 * Every refused request in a metric, and in the log a line for each endpoint and reason, at most once a minute: an
 * Alertmanager with a wrong token never repeats, so nothing else would report it.
 */
export const createRefusals = (
  counter: Pick<Counter<'what' | 'result'>, 'inc'>,
  { clock, log, onAlertsRefused }: Pick<ServerPorts, 'clock' | 'log' | 'onAlertsRefused'>,
): Refusals => {
  const logged = new Map<string, { at: number; count: number }>();
  return {
    count(path, { code, status }, address) {
      const what = ENDPOINTS.find((endpoint) => path.startsWith(`/api/v1/${endpoint}`)) ?? 'other';
      counter.inc({ what, result: code });
      if (what === 'alerts' && status < 500) onAlertsRefused?.(code);
      if (what === 'other') return; // scanners, and browsers that look for an icon
      const key = `${what} ${code}`;
      const last = logged.get(key) ?? { at: Number.NEGATIVE_INFINITY, count: 0 };
      last.count += 1;
      logged.set(key, last);
      if (clock.now() - last.at < LOG_EVERY_MS) return;
      log.warn({ what, code, count: last.count, lastAddress: address }, 'requests refused');
      Object.assign(last, { at: clock.now(), count: 0 });
    },
  };
};
