import { type Hold, requestedBy } from '../../api/hold.ts';
import type { Incident } from '../../api/incident.ts';
import { createHold, newDenial, proposedHold, workloadOf } from '../../holds/index.ts';
import { resources } from '../../kube/index.ts';
import { isOpen } from '../../read-model/index.ts';
import type { Cli } from '../context.ts';
import { CliError } from '../io.ts';
import { userName } from '../user-name.ts';
import { workloadWords } from '../words.ts';

const RIGHT = `Needs the right to create holds in the namespace: the role metricops-release-manager has it. Whoever answers first
decides: the hold of either answer has the same name.`;

export const APPROVE_HELP = `
Creates the hold that the incident proposes (status.proposal): the rollback begins at once.

${RIGHT}

Examples:
  metricops approve checkout-42a0a014c0 -n shop
  metricops explain checkout-42a0a014c0 -n shop`;

export const DENY_HELP = `
Creates a hold with action Deny: the incident ends without a rollback. A later incident asks again; to say that the
release is fine, use \`metricops accept\`.

${RIGHT}

Examples:
  metricops deny checkout-42a0a014c0 -n shop --message "we fix forward"`;

export const approve = async (cli: Cli, name: string): Promise<void> => {
  const incident = await openIncident(cli, name);
  const proposal = incident.status?.proposal;
  if (!proposal) {
    throw new CliError(
      `Incident ${name} proposes no rollback${incident.status?.message ? `: ${incident.status.message}` : '.'}`,
      `\`metricops explain ${name} -n ${cli.namespace}\` shows what it waits for.`,
    );
  }
  const hold = await answer(cli, incident, proposedHold(cli.namespace, proposal, await userName(cli)));
  const workload = workloadWords(incident.spec.workloadRef);
  cli.print(
    hold,
    () => `Approved: ${workload} goes back to release ${hold.spec.target?.release} (hold ${hold.metadata.name}).
\`metricops explain ${name} -n ${cli.namespace}\` shows how far it is.`,
  );
};

export const deny = async (cli: Cli, name: string, options: { message?: string }): Promise<void> => {
  const incident = await openIncident(cli, name);
  const { suspect } = incident.spec;
  if (!suspect) {
    throw new CliError(`Incident ${name} suspects no release, so it rolls nothing back.`, 'There is nothing to deny.');
  }
  const denial = newDenial({
    workload: workloadOf(incident),
    digest: suspect.sourceDigest,
    incident: name,
    message: options.message ?? 'Denied by hand.',
    requestedBy: await userName(cli),
  });
  const hold = await answer(cli, incident, denial);
  cli.print(
    hold,
    () =>
      `Denied: incident ${name} ends without a rollback (hold ${hold.metadata.name}). Release ${suspect.number} runs on.`,
  );
};

const openIncident = async (cli: Cli, name: string): Promise<Incident> => {
  const incident = await cli.client.get<Incident>(resources.incidents, { namespace: cli.namespace, name });
  if (!incident) {
    throw new CliError(
      `There is no incident ${name} in namespace ${cli.namespace}.`,
      '`metricops incidents -A` lists them; add -n NAMESPACE.',
    );
  }
  if (isOpen(incident)) return incident;
  throw new CliError(
    `Incident ${name} is closed: ${incident.status?.phase}.`,
    `\`metricops explain ${name} -n ${cli.namespace}\` says how it ended.`,
  );
};

/** The Hold as it is stored. Rejects with CliError where somebody answered before. */
const answer = async (cli: Cli, incident: Incident, hold: Hold): Promise<Hold> => {
  const { hold: stored, created } = await createHold(hold, cli.client);
  if (created) return stored;
  throw new CliError(
    `Incident ${incident.metadata.name} is answered already: hold ${stored.metadata.name} says ${stored.spec.action}, asked by ${requestedBy(stored)}.`,
    `To answer again: metricops lift hold/${stored.metadata.name} -n ${cli.namespace}`,
  );
};
