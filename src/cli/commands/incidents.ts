import type { Incident } from '../../api/incident.ts';
import { resources } from '../../kube/index.ts';
import { byUrgency, type IncidentSummary, incidentSummary, isOpen } from '../../read-model/index.ts';
import type { Cli } from '../context.ts';
import { EXIT } from '../io.ts';
import { table } from '../table.ts';
import { age, plural, workloadWords } from '../words.ts';

export const INCIDENTS_HELP = `
Examples:
  metricops incidents -n shop
  metricops incidents -A --open
  metricops explain checkout-42a0a014c0`;

/** Those that need a person first, then the newest. */
export const listIncidents = async (cli: Cli): Promise<Incident[]> =>
  (await cli.client.list<Incident>(resources.incidents, cli.scope)).items.toSorted(byUrgency);

export const incidents = async (cli: Cli, options: { open?: boolean; exitCode?: boolean }): Promise<number> => {
  const found = (await listIncidents(cli)).filter((incident) => !options.open || isOpen(incident));
  cli.print(found, () => {
    if (found.length > 0) return incidentsTable(found, cli.io.now());
    return options.open ? 'No open incidents.' : 'No incidents.';
  });
  const isNeeded = found.map(incidentSummary).some(({ needsPerson }) => needsPerson);
  return options.exitCode && isNeeded ? EXIT.attention : EXIT.ok;
};

export const incidentsTable = (found: readonly Incident[], now: number): string =>
  table(
    ['Namespace', 'Incident', 'Workload', 'Suspect', 'Phase', 'Needs person', 'Verdict', 'Alerts', 'Age', 'Message'],
    found
      .map(incidentSummary)
      .map((incident) => [
        incident.namespace,
        incident.name,
        workloadWords(incident.workload),
        incident.suspect && `release ${incident.suspect}`,
        incident.phase,
        incident.needsPerson ? (incident.reason ?? 'yes') : undefined,
        incident.verdict,
        plural(incident.evidenceCount, 'alert'),
        age(incident.createdTime, now),
        reasonAndMessage(incident),
      ]),
  );

/** `Superseded: release 3 came before the rollback` */
export const reasonAndMessage = ({
  reason,
  message,
}: Pick<IncidentSummary, 'reason' | 'message'>): string | undefined =>
  reason === undefined || message === undefined ? (message ?? reason) : `${reason}: ${message}`;
