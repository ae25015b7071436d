import type { Notice } from '../notice.ts';
import { titleOf } from './words.ts';

/**
 * Annotation of Grafana (https://grafana.com/docs/grafana/latest/developers/http_api/annotations/#create-annotation): a
 * region from the release to the recovery, a point for everything else.
 *
 * @param dashboardUID undefined: of the organization, for every dashboard that asks for its tags
 */
export const grafanaAnnotation = (notice: Notice, dashboardUID: string | undefined): Record<string, unknown> => {
  const { time, beganTime, namespace, workload, message, incident } = notice;
  const end = Date.parse(time);
  const next = incident === undefined ? '' : `\nmetricops explain ${incident} -n ${namespace}`;
  return {
    ...(dashboardUID === undefined ? {} : { dashboardUID }),
    time: beganTime === undefined ? end : Date.parse(beganTime),
    timeEnd: end,
    tags: ['metricops', notice.reason, `namespace:${namespace}`, ...(workload ? [`workload:${workload.name}`] : [])],
    text: escaped(`${titleOf(notice)}\n${message}${next}`),
  };
};

/** Grafana shows HTML. */
const escaped = (text: string): string => text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;');
