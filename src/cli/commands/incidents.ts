import type { Incident } from '../../api/incident.ts';
import { isClosed, needsPerson } from '../../incident/index.ts';
import { resources } from '../../kube/index.ts';
import type { Cli } from '../context.ts';
import { table } from '../table.ts';
import { age, plural, workloadWords } from '../words.ts';

export const INCIDENTS_HELP = `
Examples:
  metricops incidents -n shop
  metricops incidents -A --open
  metricops explain checkout-4-1a2b3c`;

export const isOpen = (incident: Incident): boolean => !isClosed(incident);

/** Those that need a person first, then the newest. */
export const listIncidents = async (cli: Cli): Promise<Incident[]> =>
  (await cli.client.list<Incident>(resources.incidents, cli.scope)).items.toSorted(
    (a, b) =>
      Number(needsPerson(b)) - Number(needsPerson(a)) ||
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
    ['Namespace', 'Incident', 'Workload', 'Suspect', 'Phase', 'Needs person', 'Verdict', 'Alerts', 'Age', 'Message'],
    found.map(({ metadata, spec, status }) => [
      metadata.namespace,
      metadata.name,
      workloadWords(spec.workloadRef),
      spec.suspect === undefined ? undefined : `release ${spec.suspect.number}`,
      status?.phase ?? 'Open',
      needsPerson({ status }) ? (status?.reason ?? 'yes') : undefined,
      status?.verdict?.result,
      plural(spec.evidence.length, 'alert'),
      age(metadata.creationTimestamp, now),
      messageOf({ status }),
    ]),
  );

/** `Superseded: release 3 came before the rollback`. */
export const messageOf = ({ status }: { status?: Incident['status'] | undefined }): string | undefined => {
  const { reason, message = status?.verdict?.message } = status ?? {};
  return reason === undefined || message === undefined ? (message ?? reason) : `${reason}: ${message}`;
};
