import { INCIDENT_ALERT_LABEL } from '../api/annotations.ts';

/** What is kept of the labels of one alert, in bytes of JSON: 64 such alerts are far below what etcd takes. */
const MAX_BYTES = 4096;
const MAX_KEY = 128;
const MAX_VALUE = 512;

/**
 * Labels of an alert, which are somebody else's text: so much is kept of them and no more, alertname, namespace and the
 * mark of our own alerts first. The rest costs nothing, however much it is. undefined: they are no labels.
 */
export const boundedLabels = (labels: unknown): Record<string, string> | undefined => {
  if (typeof labels !== 'object' || labels === null || Array.isArray(labels)) return undefined;
  const given = labels as Record<string, unknown>;
  const kept = new Map<string, string>();
  let left = MAX_BYTES;
  for (const key of keysOf(given)) {
    const value = given[key];
    if (typeof value !== 'string') return undefined;
    const [k, v] = [key.slice(0, MAX_KEY), value.slice(0, MAX_VALUE)];
    if (kept.has(k)) continue;
    left -= Buffer.byteLength(JSON.stringify([k, v]));
    if (left < 0) break;
    kept.set(k, v);
  }
  return Object.fromEntries(kept);
};

/** One after the other, so that who stops early has not listed all of them. */
function* keysOf(given: object): Generator<string> {
  for (const key of ['alertname', 'namespace', INCIDENT_ALERT_LABEL]) if (Object.hasOwn(given, key)) yield key;
  for (const key in given) yield key;
}
