import type { Incident } from '../../api/incident.ts';
import { resources } from '../../kube/index.ts';
import { logOf } from '../../last-words/index.ts';
import type { Cli } from '../context.ts';
import { CliError } from '../io.ts';

/** Prints the log lines that were kept of the pods of the suspect. Throws CliError where there are none. */
export const showLogs = async (cli: Cli, { metadata, status }: Incident): Promise<void> => {
  const { namespace = '' } = metadata;
  if (!status?.logs) {
    throw new CliError(
      `No logs were read for incident ${metadata.name}.`,
      'They are read when a rollback begins or is proposed, unless spec.evidence.logs of a policy is false.',
    );
  }
  const { secretRef, message } = status.logs;
  if (!secretRef) throw new CliError(`There are no logs of incident ${metadata.name}: ${message}.`);
  const secret = await cli.client.get(resources.secrets, { namespace, name: secretRef.name });
  const log = secret && logOf(secret);
  if (!secret || log === undefined) {
    throw new CliError(
      `Secret ${secretRef.name} with the logs is gone from namespace ${namespace}.`,
      'Read them in your log store.',
    );
  }
  cli.print(secret, () => log.trimEnd());
};
