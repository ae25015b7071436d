import type { Hold } from '../../src/api/hold.ts';
import type { Incident } from '../../src/api/incident.ts';
import type { KubeObject } from '../../src/api/meta.ts';
import { accept } from '../../src/cli/commands/accept.ts';
import { approve, deny } from '../../src/cli/commands/answer.ts';
import { lift } from '../../src/cli/commands/lift.ts';
import { rollback } from '../../src/cli/commands/rollback.ts';
import type { Cli } from '../../src/cli/context.ts';
import { CliError } from '../../src/cli/io.ts';
import { isClosed } from '../../src/incident/index.ts';
import { type KubeClient, resources } from '../../src/kube/index.ts';
import { imageIn, WORKLOAD } from './manifests.ts';
import { NAMESPACE } from './shipped.ts';

/** What a person did, and whether anything came of it: who is refused does nothing. */
export interface Word {
  words: string;
  say: (client: KubeClient) => Promise<unknown>;
}

const cliOf = (client: KubeClient): Cli => {
  let now = 0;
  return {
    client,
    namespace: NAMESPACE,
    server: '',
    scope: { namespace: NAMESPACE },
    output: 'text',
    print: () => {},
    io: {
      out: () => {},
      err: () => {},
      input: async () => '',
      connect: () => Promise.reject(new Error('connected already')),
      now: () => now,
      sleep: async (ms) => {
        now += ms;
      },
      version: '',
      name: 'metricops',
      manifests: () => ({ first: [], rest: [], additions: [] }),
    },
  };
};

const unlessRefused = (error: unknown): void => {
  if (!(error instanceof CliError)) throw error;
};

const byCli =
  (command: (cli: Cli) => Promise<void>): Word['say'] =>
  (client) =>
    command(cliOf(client)).catch(unlessRefused);

const annotate =
  (annotations: Record<string, string | null>): Word['say'] =>
  (client) =>
    client.patch(
      resources.deployments,
      WORKLOAD,
      { type: 'merge', body: { metadata: { annotations } } },
      { fieldManager: 'kubectl-annotate' },
    );

/** `kubectl rollout undo`: the template and the annotations of an older ReplicaSet. */
const undo =
  (before: KubeObject): Word['say'] =>
  (client) => {
    const { template } = before.spec as { template: object };
    const { annotations } = before.metadata;
    const body = { metadata: { annotations }, spec: { template } };
    return client.patch(resources.deployments, WORKLOAD, { type: 'merge', body }, { fieldManager: 'kubectl-rollout' });
  };

/**
 * Everything that a person may say now: with the command line as it ships, or with kubectl.
 * @param undone the workload as it was while the good release ran
 */
export const wordsOf = (
  { holds, incidents, live }: { holds: readonly Hold[]; incidents: readonly Incident[]; live: KubeObject | undefined },
  undone: KubeObject,
): Word[] => {
  const words: Word[] = [];
  const say = (what: string, how: Word['say']): void => void words.push({ words: `a person ${what}`, say: how });
  const isHeld = holds.some((hold) => hold.spec.action === 'Rollback' && hold.metadata.deletionTimestamp === undefined);
  if (isHeld)
    say(
      'lifts the Hold: metricops lift deploy/web',
      byCli((cli) => lift(cli, 'deploy/web')),
    );
  for (const hold of holds.filter(({ spec }) => spec.action !== 'Rollback'))
    say(`takes back the answer: metricops lift hold/${hold.metadata.name}`, (client) =>
      byCli((cli) => lift(cli, `hold/${hold.metadata.name}`))(client),
    );
  for (const incident of incidents.filter((i) => !isClosed(i))) {
    const { name } = incident.metadata;
    if (incident.status?.proposal && incident.status.phase === 'Judging')
      say(
        'approves: metricops approve',
        byCli((cli) => approve(cli, name)),
      );
    say(
      'denies: metricops deny',
      byCli((cli) => deny(cli, name, {})),
    );
    say('deletes the incident', (client) => client.delete(resources.incidents, incident.metadata));
  }
  if (isHeld)
    say(
      'accepts what is held: metricops accept',
      byCli((cli) => accept(cli, 'deploy/web', {})),
    );
  if (live && imageIn(live) !== 'old') {
    say(
      'rolls back: metricops rollback',
      byCli((cli) => rollback(cli, 'deploy/web', { wait: false, timeout: 0 })),
    );
    say('rolls back: kubectl rollout undo', undo(undone));
  }
  const pause = 'metricops.dev/pause';
  const isPaused = live?.metadata.annotations?.[pause] !== undefined;
  say(isPaused ? 'ends the pause' : 'pauses the workload', annotate({ [pause]: isPaused ? null : 'true' }));
  return words;
};
