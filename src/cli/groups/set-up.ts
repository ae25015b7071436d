import { Argument, Option } from 'commander';
import { type Commands, timeoutOption, waiting } from '../add-command.ts';
import { CHECK_HELP, check } from '../commands/check.ts';
import { COMPLETION_HELP, completion, SHELLS } from '../commands/completion.ts';
import { DEMO_HELP, demo } from '../commands/demo.ts';
import { INSTALL_HELP, install } from '../commands/install.ts';
import { labelOption, RULE_FORMATS, SLO_RULES_HELP, sloRules } from '../commands/slo-rules.ts';
import { TEST_ALERT_HELP, testAlert } from '../commands/test-alert.ts';
import { UNINSTALL_HELP, uninstall } from '../commands/uninstall.ts';
import { numberOption } from '../context.ts';

/** Commands that install metricops and check that it works. `argv` is the whole command line. */
export const addSetUp = (commands: Commands, argv: readonly string[]): void => {
  const { parent, online, offline, io, exit } = commands;
  parent.commandsGroup('Set up:');
  waiting(
    online({ usage: 'install', about: 'install or upgrade metricops in the cluster', help: INSTALL_HELP }, install)
      .option('--image <reference>', 'image of the controller')
      .option('--sidecar-image <reference>', 'image of the recorder')
      .option('--prometheus-url <url>', 'Prometheus that burn rates are queried from')
      .option('--cluster-label <name=value>', 'label that an alert must carry to count')
      .option('--replicas <number>', 'of the controller', numberOption)
      .option('--dry-run', 'only say what would be applied; with -o yaml, print it'),
    '5m',
  );
  online(
    {
      usage: 'check [workload]',
      about: 'is everything there that metricops needs? Of a workload: would a burn lead to a rollback?',
      help: CHECK_HELP,
    },
    check,
  );
  online(
    {
      usage: 'test-alert <workload>',
      about: 'send a marked alert, and show what it reaches',
      help: TEST_ALERT_HELP,
    },
    testAlert,
  )
    .option('--through-alertmanager <url>', 'send it to this Alertmanager, as Prometheus would')
    .option('--direct [url]', 'send it to metricops, as Alertmanager would')
    .option('--label <name=value>', 'label of the alert, as its rule sets it; may be repeated', labelOption)
    .addOption(timeoutOption('how long to wait for its arrival', '2m'));
  const slo = parent.command('slo').description('objectives: the alerting rules that report their burn');
  commands
    .below(slo)
    .offline(
      {
        usage: 'rules [policy]',
        about: 'print or apply the burn-rate rules of RollbackPolicies',
        help: SLO_RULES_HELP,
      },
      sloRules,
    )
    .option('-f, --file <file>', 'RollbackPolicies of this file instead of the cluster; - is standard input')
    .addOption(
      new Option('--format <format>', 'an object, or a rule file').choices(RULE_FORMATS).default('prometheusrule'),
    )
    .option('--label <name=value>', 'label of the PrometheusRule; may be repeated', labelOption)
    .option('--apply', 'create or change the PrometheusRule objects');
  online({ usage: 'uninstall', about: 'remove metricops from the cluster', help: UNINSTALL_HELP }, uninstall)
    .option('--all', 'the kinds with all their objects, and the namespace, too')
    .option('--yes', "don't ask")
    .addOption(timeoutOption('how long to wait for the controller to stop', '2m'));
  offline(
    { usage: 'completion', about: 'print the script that completes commands in a shell', help: COMPLETION_HELP },
    async (local, shell: (typeof SHELLS)[number]) => completion(local, parent, shell),
  ).addArgument(new Argument('<shell>', 'shell that reads the script').choices(SHELLS));
  parent
    .command('demo')
    .description('the whole loop on a local cluster (source checkout only)')
    .addHelpText('after', DEMO_HELP)
    .argument('[args...]')
    .allowUnknownOption()
    .helpOption(false)
    // As they were written: --context and --help are the demo's own here.
    .action(async () => {
      exit.code = await demo(io.checkout, argv.slice(argv.indexOf('demo') + 1));
    });
};
