import { type Command as Base, Command, CommanderError, Option } from 'commander';
import { KubeError } from '../kube/index.ts';
import { withoutSecretTexts } from '../telemetry/index.ts';
import { ACCEPT_HELP, accept } from './commands/accept.ts';
import { APPROVE_HELP, approve, DENY_HELP, deny } from './commands/answer.ts';
import { CHECK_HELP, check } from './commands/check.ts';
import { DEMO_HELP, demo } from './commands/demo.ts';
import { DIFF_HELP, diff } from './commands/diff.ts';
import { EXPLAIN_HELP, explain } from './commands/explain.ts';
import { HISTORY_HELP, history } from './commands/history.ts';
import { HOLDS_HELP, holds } from './commands/holds.ts';
import { INCIDENTS_HELP, incidents } from './commands/incidents.ts';
import { INSTALL_HELP, install } from './commands/install.ts';
import { LIFT_HELP, lift } from './commands/lift.ts';
import { PAUSE_HELP, pause, RESUME_HELP, resume, SUSPEND_HELP, suspend } from './commands/pause.ts';
import { ROLLBACK_HELP, rollback } from './commands/rollback.ts';
import { labelOption, RULE_FORMATS, SLO_RULES_HELP, sloRules } from './commands/slo-rules.ts';
import { STATUS_HELP, status } from './commands/status.ts';
import { SYNC_HELP, sync } from './commands/sync.ts';
import { TEST_ALERT_HELP, testAlert } from './commands/test-alert.ts';
import { UNINSTALL_HELP, uninstall } from './commands/uninstall.ts';
import { type Cli, durationOption, numberOption, openCli } from './context.ts';
import { CliError, type CliIo, EXIT } from './io.ts';
import { readable } from './readable.ts';

const GLOBAL = `
Exit codes: 0 done, 1 failed (or \`check\` found something), 2 wrong usage, 3 done, but a person or a new commit is needed:
\`sync --now\` while a release is held, \`status\` and \`incidents\` with --exit-code while something needs a person.
Of \`diff\`: 0 no difference, 1 some, 2 failed.
WORKLOAD is deploy/NAME, sts/NAME or ds/NAME; a bare NAME is a Deployment.`;

/** Runs one command line (without node and script) and resolves with its exit code. */
export const run = async (argv: string[], io: CliIo): Promise<number> => {
  const exit: Exit = { code: EXIT.ok, failure: EXIT.failure };
  const program = build(argv, io, exit);
  try {
    await program.parseAsync(argv, { from: 'user' });
    return exit.code;
  } catch (error) {
    if (error instanceof CommanderError) return error.exitCode === 0 ? EXIT.ok : EXIT.usage;
    readable(io).err(withoutSecretTexts(explainError(error)));
    return exit.failure;
  }
};

interface Exit {
  code: number;
  /** Where an error is thrown. */
  failure: number;
}

const build = (argv: string[], io: CliIo, exit: Exit): Base => {
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

  /** A command that talks to the cluster; its last two arguments, options and Command, are commander's. It may say its exit code. */
  const command = <A extends unknown[]>(
    usage: string,
    text: string,
    help: string,
    act: (cli: Cli, ...args: A) => Promise<unknown>,
    parent: Base = program,
  ): Base =>
    parent
      .command(usage)
      .description(text)
      .addHelpText('after', help)
      .action(async (...args: unknown[]) => {
        const self = args.at(-1) as Base;
        const code = await act(await openCli(io, self), ...(args.slice(0, -1) as A));
        if (typeof code === 'number') exit.code = code;
      });
  const waiting = (base: Base, timeout: string): Base =>
    base.option('--no-wait', "don't wait until it is done").addOption(timeoutOption('how long to wait', timeout));

  program.commandsGroup('See:');
  command(
    'status',
    'overview: what needs a person, syncs, policies, holds, open incidents, pods without the recorder',
    STATUS_HELP,
    status,
  ).option('--exit-code', 'exit with 3 while something needs a person');
  command(
    'history <workload>',
    'recorded releases of a workload, what guards and what holds it',
    HISTORY_HELP,
    history,
  );
  command('incidents', 'incidents: what needs a person first, then the newest', INCIDENTS_HELP, incidents)
    .option('--open', 'only those not closed')
    .option('--exit-code', 'exit with 3 while one needs a person');
  command('explain <incident>', 'what happened in an incident, and why', EXPLAIN_HELP, explain);
  command('holds', 'what is kept out, accepted or denied, and who asked', HOLDS_HELP, holds);
  // As kubectl diff: 1 tells of a difference, so an error has to be another number.
  command('diff <gitsync>', 'what differs from what was applied, and what is held back', DIFF_HELP, diff).hook(
    'preAction',
    () => {
      exit.failure = EXIT.trouble;
    },
  );

  program.commandsGroup('Act:');
  waiting(
    command('rollback <workload>', 'apply an earlier release and keep the current one out', ROLLBACK_HELP, rollback)
      .option('--to <release>', 'number of the release (default: the last good one)', numberOption)
      .option('-m, --message <text>', 'why, for those who read the hold')
      .option('--force', 'go back behind an irreversible release, too')
      .option('--dry-run', 'only say what would be done'),
    '5m',
  );
  command('approve <incident>', 'let an incident roll back as it proposes', APPROVE_HELP, approve);
  command('deny <incident>', 'end an incident without a rollback', DENY_HELP, deny).option(
    '-m, --message <text>',
    'why, for those who read the hold',
  );
  command(
    'lift <workload>',
    'delete the hold of a workload (or hold/NAME): the release is on probation',
    LIFT_HELP,
    lift,
  );
  command('accept <workload>', 'never reject that release again', ACCEPT_HELP, accept)
    .option('--release <number>', 'the release (default: the one that is kept out)', numberOption)
    .option('-m, --message <text>', 'why, for those who read the hold');
  waiting(
    command('sync <gitsync>', 'show a GitSync, or sync it now', SYNC_HELP, sync).option('--now', 'fetch and apply now'),
    '5m',
  );
  command('suspend <gitsync>', 'stop applying from Git', SUSPEND_HELP, suspend);
  command('pause <workload>', 'leave a workload alone', PAUSE_HELP, pause);
  command('resume <what>', 'end a pause (WORKLOAD) or a suspension (sync/NAME)', RESUME_HELP, resume);

  program.commandsGroup('Set up:');
  waiting(
    command('install', 'install or upgrade metricops in the cluster', INSTALL_HELP, install)
      .option('--image <reference>', 'image of the controller')
      .option('--sidecar-image <reference>', 'image of the recorder')
      .option('--prometheus-url <url>', 'Prometheus that burn rates are queried from')
      .option('--cluster-label <name=value>', 'label that an alert must carry to count')
      .option('--replicas <number>', 'of the controller', numberOption)
      .option('--dry-run', 'only say what would be applied; with -o yaml, print it'),
    '5m',
  );
  command(
    'check [workload]',
    'is everything there that metricops needs? Of a workload: would a burn lead to a rollback?',
    CHECK_HELP,
    check,
  );
  command('test-alert <workload>', 'send a marked alert, and show what it reaches', TEST_ALERT_HELP, testAlert)
    .option('--through-alertmanager <url>', 'send it to this Alertmanager, as Prometheus would')
    .option('--direct [url]', 'send it to metricops, as Alertmanager would')
    .option('--label <name=value>', 'label of the alert, as its rule sets it; may be repeated', labelOption)
    .addOption(timeoutOption('how long to wait for its arrival', '2m'));
  const slo = program.command('slo').description('objectives: the alerting rules that report their burn');
  command('rules [policy]', 'print or apply the burn-rate rules of RollbackPolicies', SLO_RULES_HELP, sloRules, slo)
    .addOption(
      new Option('--format <format>', 'an object, or a rule file').choices(RULE_FORMATS).default('prometheusrule'),
    )
    .option('--label <name=value>', 'label of the PrometheusRule; may be repeated', labelOption)
    .option('--apply', 'create or change the PrometheusRule objects');
  command('uninstall', 'remove metricops from the cluster', UNINSTALL_HELP, uninstall)
    .option('--all', 'the kinds with all their objects, and the namespace, too')
    .option('--yes', "don't ask")
    .addOption(timeoutOption('how long to wait for the controller to stop', '2m'));
  program
    .command('demo')
    .description('the whole loop on a local cluster (source checkout only)')
    .addHelpText('after', DEMO_HELP)
    .argument('[args...]')
    .allowUnknownOption()
    .helpOption(false)
    // As they were written: --context and --help are the demo's own here.
    .action(async () => {
      exit.code = await demo(io.manifests, argv.slice(argv.indexOf('demo') + 1));
    });
  return program;
};

const timeoutOption = (text: string, byDefault: string): Option =>
  new Option('--timeout <duration>', text).argParser(durationOption).default(durationOption(byDefault), byDefault);

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
  if (status === 403 && !message.includes('metricops.dev')) return '\n  → Ask for the role edit in this namespace.';
  if (status === 403) {
    return '\n  → Ask for a binding to metricops-view (to look), metricops-release-manager (to roll back, approve, deny, lift, accept) or metricops-gitsync-editor (to sync, suspend).';
  }
  return '';
};
