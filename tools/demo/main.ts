import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { cacheDir } from '../cluster/build.ts';
import { openCluster } from '../cluster/index.ts';
import { downOnSignal, missingHere, startEnvironment } from './environment.ts';
import { createProgress } from './progress.ts';
import { runStory } from './story.ts';
import { renderTimeline } from './timeline.ts';

const HELP = `Usage: npm run demo [-- --keep] [-- --json]

Brings up a real Kubernetes on this machine, with Prometheus, Alertmanager and metricops; deploys a shop from a Git
repository; pushes a release that fails 20 % of its requests; and shows how it is found, rolled back and held out until
the fix arrives. Needs Linux, root and Go. The first time it builds Kubernetes, which takes minutes; later it does not.

  --keep        leave everything running, and say how to look at it
  --json        print the timeline, the final objects and the seconds that all took as JSON on standard output
  --name NAME   name of the local cluster (metricops-demo)

  --context NAME       use an existing cluster instead: a context of your kubeconfig. It needs the next two:
  --host-address ADDR  this machine's address, as the cluster's pods reach it: Git, Prometheus and Alertmanager run here
  --load COMMAND       brings an image archive into the cluster, {} being its path: 'kind load image-archive {}',
                       'k3d image import {}', 'minikube image load {}'
`;

const { values } = parseArgs({
  options: {
    keep: { type: 'boolean', default: false },
    json: { type: 'boolean', default: false },
    name: { type: 'string', default: 'metricops-demo' },
    context: { type: 'string' },
    'host-address': { type: 'string' },
    load: { type: 'string' },
    help: { type: 'boolean', short: 'h' },
  },
});
if (values.help) {
  process.stdout.write(HELP);
  process.exit(0);
}
const { context, 'host-address': hostAddress, load } = values;
if (context !== undefined && (hostAddress === undefined || load === undefined)) {
  process.stderr.write('--context needs --host-address and --load; see --help\n');
  process.exit(2);
}
const existing =
  context !== undefined && hostAddress !== undefined && load !== undefined ? { context, hostAddress, load } : undefined;
const missing = await missingHere();
if (missing.length > 0) {
  process.stderr.write(`The demo can't run here. Missing:\n${missing.map((m) => `  - ${m}\n`).join('')}`);
  process.exit(1);
}

const progress = createProgress();
// With an empty cache it builds Kubernetes first.
const isCold = !existsSync(join(cacheDir(), 'bin'));
const left = existing ? undefined : await openCluster(values.name);
if (left) await progress.step(`ending ${values.name}, left by an earlier run`, () => left.down());
const env = await startEnvironment({ name: values.name, progress, ...(existing ? { existing } : {}) });
downOnSignal(env);
try {
  const result = await runStory(env, progress);
  const { budgetSpentPercent } = result.incident.status ?? {};
  if (values.json) {
    const seconds = Math.round(process.uptime());
    process.stdout.write(`${JSON.stringify({ [isCold ? 'coldSeconds' : 'seconds']: seconds, ...result }, null, 2)}\n`);
  } else {
    process.stdout.write(`\n${renderTimeline(result.timeline)}\n\n`);
    process.stdout.write(`incident     ${result.incident.metadata.name}: ${result.incident.status?.phase}\n`);
    process.stdout.write(`budget spent ${budgetSpentPercent ?? '?'} % of the error budget of the period\n`);
    process.stdout.write(
      `requests     ${result.load.sent} sent, ${result.load.failed} failed, ${result.load.unanswered} unanswered\n`,
    );
  }
  if (values.keep) {
    progress.say('left running. Look at it with:');
    progress.say(`  export KUBECONFIG=${env.cluster.kubeconfig}`);
    progress.say('  node src/cli/main.ts status -A; kubectl get metricops -A');
    if (!existing) progress.say(`end it with: npm run cluster -- down ${values.name}`);
  }
} catch (error) {
  process.exitCode = 1;
  progress.say(error instanceof Error ? error.message : String(error));
} finally {
  if (!values.keep) await progress.step('ending everything that was started', () => env.down());
}
process.exit();
