import type { ReadContainer, ReadLog } from './collect.ts';

/** What is kept of the logs of a release. */
export interface Report {
  /** For people; undefined where there is no line of any log. */
  log: string | undefined;
  /** In one sentence, without a line of the logs. */
  message: string;
}

const MAX_MESSAGE = 1024;
/** Containers that the message names. */
const NAMED = 3;

/**
 * What was read, as a text that people read. Pure.
 *
 * @param release its number
 * @param podCount how many pods the release has
 */
export const reportOf = (read: readonly ReadContainer[], release: number, podCount: number): Report => {
  if (podCount === 0) {
    return { log: undefined, message: `no pod of release ${release} was found, so no log of it is kept` };
  }
  const logs = read.flatMap(({ logs }) => logs);
  const hasLines = logs.some(({ text }) => text !== undefined && text !== '');
  const pods = new Set(read.map(({ pod }) => pod)).size;
  const which = `${pods} of ${podCount} pod${podCount === 1 ? '' : 's'} of release ${release}`;
  const failed = read.filter(({ hasFailed }) => hasFailed).slice(0, NAMED);
  const parts = [
    hasLines ? `last log lines of ${which}` : `no log lines of ${which}`,
    ...failed.map(({ pod, name, state }) => `${name} of ${pod}: ${state}`),
    problemOf(logs),
  ];
  const message = parts.filter((part) => part !== undefined).join('; ');
  return {
    log: hasLines ? `${[which, ...read.map(sectionOf)].join('\n\n')}\n` : undefined,
    message: message.slice(0, MAX_MESSAGE),
  };
};

const problemOf = (logs: readonly ReadLog[]): string | undefined => {
  if (logs.some(({ isForbidden }) => isForbidden))
    return 'metricops may not read logs: grant get of pods/log to its ServiceAccount, as deploy/rbac/controller.yaml does';
  const missing = logs.filter(({ problem }) => problem !== undefined);
  return missing.length === 0 ? undefined : `${missing.length} of ${logs.length} logs could not be read`;
};

const sectionOf = ({ pod, name, state, logs }: ReadContainer): string =>
  [`== Pod ${pod}, container ${name}: ${state}`, ...logs.map(logWords)].join('\n');

const TITLES = { previous: 'before its last restart', current: 'of its last start' } as const;

const logWords = ({ which, text, problem }: ReadLog): string => {
  const title = `-- Log ${TITLES[which]}`;
  if (text === undefined) return `${title}: not read: ${problem}`;
  return text === '' ? `${title}: empty` : `${title}:\n${text.replace(/\n$/, '')}`;
};
