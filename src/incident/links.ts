import type { AlertLinks } from '../api/incident.ts';
import { isRecord } from '../ssa/field-set.ts';

/** What is longer is left out: half a link leads nowhere. */
const MAX_LENGTH = 2048;

/**
 * Links of an alert: somebody else's text, which is shown and never requested. undefined: it has none.
 *
 * @param alert generatorURL and annotations as they were sent, whatever they are
 */
export const linksOf = ({
  generatorURL,
  annotations,
}: {
  generatorURL?: unknown;
  annotations?: unknown;
}): AlertLinks | undefined => {
  const { runbook_url: runbookURL, dashboard_url: dashboardURL } = isRecord(annotations) ? annotations : {};
  const found = Object.entries({ generatorURL, runbookURL, dashboardURL }).filter(([, text]) => isLink(text));
  return found.length === 0 ? undefined : Object.fromEntries(found);
};

const isLink = (text: unknown): boolean => {
  if (typeof text !== 'string' || text.length > MAX_LENGTH) return false;
  const url = URL.parse(text);
  return url !== null && /^https?:$/.test(url.protocol) && url.username === '' && url.password === '';
};
