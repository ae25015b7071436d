import type { Notice } from '../notice.ts';

/** The first line of a message: of what, and what happened. */
export const titleOf = ({ kind, namespace, name, workload, reason }: Notice): string => {
  const what = workload ? `${workload.kind} ${namespace}/${workload.name}` : `${kind} ${namespace}/${name}`;
  return `${what}: ${reason}`;
};

/** What a chat shows below the message, by name. */
export const factsOf = (notice: Notice): [name: string, value: string][] => {
  const { release, targetRelease, incident, revision, commits, time, namespace } = notice;
  const facts: [string, string | undefined][] = [
    ['Release', release?.toString()],
    ['Target release', targetRelease?.toString()],
    ['Revision', revision],
    ['Commit', commits[0]?.sha],
    ['Incident', incident === undefined ? undefined : `metricops explain ${incident} -n ${namespace}`],
    ['Time', time],
  ];
  return facts.flatMap(([name, value]) => (value === undefined ? [] : [[name, value] as [string, string]]));
};

/** Links of the alert that opened the incident. */
export const linksOf = ({ links = {} }: Notice): [name: string, url: string][] =>
  (
    [
      ['Runbook', links.runbookURL],
      ['Dashboard', links.dashboardURL],
      ['Alert', links.generatorURL],
    ] as const
  ).flatMap(([name, url]) => (url === undefined ? [] : [[name, url] as [string, string]]));

/** So many characters, and no half of one. */
export const cut = (text: string, max: number): string => {
  const characters = [...text];
  return characters.length <= max ? text : `${characters.slice(0, max - 1).join('')}…`;
};
