import { CommanderError } from 'commander';
import { KubeError } from '../kube/index.ts';
import { withoutSecretTexts } from '../telemetry/index.ts';
import type { Exit } from './add-command.ts';
import { commandLine } from './command-line.ts';
import { CliError, type CliIo, EXIT } from './io.ts';
import { readable } from './readable.ts';

/** Runs one command line (without node and script) and resolves with its exit code. */
export const run = async (argv: string[], io: CliIo): Promise<number> => {
  const exit: Exit = { code: EXIT.ok, failure: EXIT.failure };
  const program = commandLine(argv, io, exit);
  try {
    await program.parseAsync(argv, { from: 'user' });
    return exit.code;
  } catch (error) {
    if (error instanceof CommanderError) return error.exitCode === 0 ? EXIT.ok : EXIT.usage;
    readable(io).err(withoutSecretTexts(explainError(error)));
    return exit.failure;
  }
};

/** Errors as people read them: what, then what to do. */
const explainError = (error: unknown): string => {
  if (error instanceof CliError) return ['error: ', error.message, error.next ? `\n  → ${error.next}` : ''].join('');
  // A kind that is not served, as against an object that is not there: that one names the object.
  if (error instanceof KubeError && error.status === 404 && /page not found|requested resource/.test(error.message)) {
    return 'error: metricops is not installed in this cluster.\n  → metricops install';
  }
  if (error instanceof KubeError) return `error: ${error.message}${kubeHint(error)}`;
  return `error: ${error instanceof Error ? error.message : String(error)}`;
};

const kubeHint = ({ status, message }: KubeError): string => {
  if (status === 0) return '\n  → Is the cluster up, and is this the right --context? kubectl cluster-info';
  if (status === 401) return '\n  → Your credentials are refused: log in again.';
  if (status === 403 && !message.includes('metricops.dev'))
    return '\n  → Your rights do not suffice; the message names the object and the namespace. In a namespace of your own, the role edit has them.';
  if (status === 403) {
    return '\n  → Ask for a binding to metricops-view (to look), metricops-release-manager (to roll back, approve, deny, lift, accept) or metricops-gitsync-editor (to sync, suspend).';
  }
  return '';
};
