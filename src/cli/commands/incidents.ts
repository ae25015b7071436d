import type { Incident, IncidentPhase } from '../../api/incident.ts';
import { resources } from '../../kube/index.ts';
import type { Cli } from '../context.ts';
import { table } from '../table.ts';
import { age, plural, workloadWords } from '../words.ts';

export const INCIDENTS_HELP = `
Examples:
  metricops incidents -n shop
  metricops incidents -A --open
  metricops explain checkout-4-1a2b3c`;

const CLOSED: readonly IncidentPhase[] = ['Recovered', 'NotRecovered', 'Dismissed', 'Escalated', 'Observed'];

export const isOpen = (incident: Incident): boolean => !CLOSED.includes(incident.status?.phase ?? 'Open');

/** Newest first. */
export const listIncidents = async (cli: Cli): Promise<Incident[]> =>
  (await cli.client.list<Incident>(resources.incidents, cli.scope)).items.toSorted((a, b) =>
    (b.metadata.creationTimestamp ?? '').localeCompare(a.metadata.creationTimestamp ?? ''),
  );

export const incidents = async (cli: Cli, options: { open?: boolean }): Promise<void> => {
  const found = (await listIncidents(cli)).filter((incident) => !options.open || isOpen(incident));
  cli.print(found, () => {
    if (found.length > 0) return incidentsTable(found, cli.io.now());
    return options.open ? 'No open incidents.' : 'No incidents.';
  });
};

export const incidentsTable = (found: Incident[], now: number): string =>
  table(
    ['Namespace', 'Incident', 'Workload', 'Suspect', 'Phase', 'Verdict', 'Alerts', 'Age', 'Message'],
    found.map(({ metadata, spec, status }) => [
      metadata.namespace,
      metadata.name,
      workloadWords(spec.workloadRef),
      spec.suspect === undefined ? undefined : `release ${spec.suspect.number}`,
      status?.phase ?? 'Open',
      status?.verdict?.result,
      plural(spec.evidence.length, 'alert'),
      age(metadata.creationTimestamp, now),
      status?.message ?? status?.verdict?.message,
    ]),
  );
