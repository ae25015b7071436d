import { Command, Option } from 'commander';
import { commandsOf, type Exit } from './add-command.ts';
import { addAct } from './groups/act.ts';
import { addSee } from './groups/see.ts';
import { addSetUp } from './groups/set-up.ts';
import type { CliIo } from './io.ts';
import { readable } from './readable.ts';

const GLOBAL = `
Exit codes: 0 done, 1 failed (or \`check\` found something), 2 wrong usage, 3 done, but a person or a new commit is needed:
\`sync\` while a release is held, \`status\` and \`incidents\` with --exit-code while something needs a person.
Of \`diff\`: 0 no difference, 1 some, 2 failed.
WORKLOAD is deploy/NAME, sts/NAME or ds/NAME; a bare NAME is a Deployment.`;

/** Every command with its options. `--help`, the completion scripts and docs/cli.md are made from it. */
export const commandLine = (argv: readonly string[], io: CliIo, exit: Exit): Command => {
  const people = readable(io);
  const program = new Command(io.name)
    .description('Syncs the cluster with Git, and rolls back the release that burns the error budget.')
    .version(io.version, '-V, --version')
    .option('-n, --namespace <name>', "namespace to look in (default: the context's)")
    .option('-A, --all-namespaces', 'look in all namespaces')
    .addOption(new Option('-o, --output <format>', 'print objects for scripts').choices(['json', 'yaml']))
    .option('--context <name>', 'context of the kubeconfig')
    .option('--kubeconfig <file>', 'kubeconfig to use (default: $KUBECONFIG, then ~/.kube/config)')
    .configureHelp({ showGlobalOptions: true, sortSubcommands: false })
    .configureOutput({ writeOut: (text) => people.out(text.trimEnd()), writeErr: (text) => people.err(text.trimEnd()) })
    .showHelpAfterError('(--help shows what there is)')
    .addHelpText('after', GLOBAL)
    .exitOverride();
  const commands = commandsOf(program, io, exit);
  addSee(commands);
  addAct(commands);
  addSetUp(commands, argv);
  return program;
};
