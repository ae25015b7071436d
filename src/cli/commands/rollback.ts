import { conditionOf } from '../../api/conditions.ts';
import { type Hold, isRollback, type RollbackHold, requestedBy } from '../../api/hold.ts';
import type { Incident } from '../../api/incident.ts';
import type { KubeObject } from '../../api/meta.ts';
import { releasesOf } from '../../api/release-history.ts';
import type { WorkloadKey } from '../../api/workload.ts';
import { rolloutOf } from '../../health/rollout.ts';
import { changedRollback, createHold, newRollback, obstacleSeenBy } from '../../holds/index.ts';
import { resources, workloadResource } from '../../kube/index.ts';
import { isActive } from '../../read-model/index.ts';
import { burnedReleases, type Unfit } from '../../release/index.ts';
import { holdName } from '../../snapshot/index.ts';
import type { Cli } from '../context.ts';
import { unlessForbidden } from '../forbidden.ts';
import { CliError } from '../io.ts';
import { userName } from '../user-name.ts';
import { waitFor } from '../wait.ts';
import { imagesOf, leg, shortDigest, workloadWords } from '../words.ts';
import { findHistory } from '../workload-argument.ts';
import { holdsOfWorkload } from './holds.ts';
import { planRollback, type RollbackPlan, refuseIrreversible } from './plan-rollback.ts';

export const ROLLBACK_HELP = `
Creates a hold: an earlier release is applied, and the current one is kept out until Git brings another. Git sync goes
on for everything else.

Needs the right to create holds in the namespace: the role metricops-release-manager has it.

Examples:
  # Back to the last good release, and wait until its pods are ready
  metricops rollback deploy/web -n shop

  # Back to release 12, say why, don't wait
  metricops rollback web --to 12 --message "checkout times out" --no-wait

  # Behind a release that migrated a database
  metricops rollback web --to 12 --force

  # What it would do
  metricops rollback web --dry-run`;

export interface RollbackOptions {
  to?: number;
  message?: string;
  dryRun?: boolean;
  force?: boolean;
  wait: boolean;
  timeout: number;
}

export const rollback = async (cli: Cli, text: string, options: RollbackOptions): Promise<void> => {
  const { key, workload, history } = await findHistory(cli, text);
  const { plan, unfit } = await planFit(cli, { key, workload, history }, options.to);
  const from = plan.from === undefined ? shortDigest(plan.rejected) : `release ${plan.from.number}`;
  const sentence = `${workloadWords(key)}: ${from} → release ${plan.target.number} (${imagesOf(plan.target)})`;
  for (const [number, why] of unfit) cli.io.err(`release ${number} is passed over: ${why}`);
  const holds = await holdsOfWorkload(cli, key);
  refuseAccepted(key, plan.rejected, holds);
  if (!options.force) refuseIrreversible(plan, releasesOf(history));
  const rollbacks = holds.filter(isRollback);
  // An active one, or the one that kept the same release out before and is dormant.
  const existing =
    rollbacks.find(isActive) ?? rollbacks.find((hold) => hold.metadata.name === holdName(key, plan.rejected));
  const message = options.message ?? `Rolled back by hand from ${from}.`;
  const hold = holdFor(key, plan, existing, { message, requestedBy: await userName(cli) });
  if (options.dryRun) {
    cli.print(hold, () => `${sentence}\nNothing was changed (--dry-run).`);
    return;
  }
  const start = cli.io.now();
  const written = existing ? await cli.client.replace<RollbackHold>(resources.holds, hold) : await create(cli, hold);
  cli.io.err(`${sentence}\nhold ${written.metadata.name} written`);
  const done = options.wait ? await follow(cli, key, written, options.timeout, start) : written;
  cli.print(done, () =>
    options.wait
      ? `Rolled back in ${leg(cli.io.now() - start)}. ${lifts(key)}`
      : `The rollback is asked for. \`metricops holds\` shows how far it is. ${lifts(key)}`,
  );
};

/** The plan to a release whose pods can start, as far as the person may look: the same choice as an incident makes. */
const planFit = async (
  cli: Cli,
  { key, workload, history }: Awaited<ReturnType<typeof findHistory>>,
  to: number | undefined,
): Promise<{ plan: RollbackPlan; unfit: Unfit }> => {
  const unfit = new Map<number, string>();
  const known = await cli.client
    .list<Incident>(resources.incidents, { namespace: key.namespace })
    .catch(unlessForbidden);
  const burned = burnedReleases(known?.items ?? [], key, releasesOf(history));
  for (;;) {
    const plan = planRollback(workload, history, to, { burned, unfit });
    const { number } = plan.target;
    const why = await obstacleSeenBy(cli.client, key, plan.target);
    if (why === undefined) return { plan, unfit };
    if (to !== undefined) {
      throw new CliError(
        `Release ${number} can't run: ${why}.`,
        'Create what is missing, or choose another with --to N: `metricops history`.',
      );
    }
    unfit.set(number, why);
  }
};

const create = async (cli: Cli, hold: RollbackHold): Promise<RollbackHold> => {
  const { hold: stored, created } = await createHold(hold, cli.client);
  if (created && isRollback(stored)) return stored;
  throw new CliError(
    `Somebody else was faster: hold ${stored.metadata.name} says ${stored.spec.action}, asked by ${requestedBy(stored)}.`,
    'See `metricops holds`, then once more.',
  );
};

const lifts = (key: WorkloadKey): string =>
  `The hold is dormant as soon as a commit changes ${workloadWords(key)}. To end it: metricops lift ${workloadWords(key)} -n ${key.namespace}`;

/** One active hold for a workload: a second rollback adds to what the first keeps out, and goes on with its incident. */
const holdFor = (
  workload: WorkloadKey,
  { target, images, rejected: digest }: RollbackPlan,
  existing: RollbackHold | undefined,
  said: { message: string; requestedBy: string | undefined },
): RollbackHold => {
  const asked = { workload, digest, target, images, origin: 'Manual', ...said } as const;
  if (!existing) return newRollback(asked);
  // The annotation names who asked first, and can't be changed.
  const by = said.requestedBy === undefined ? '' : ` (asked by ${said.requestedBy})`;
  return changedRollback(existing, { ...asked, message: `${said.message}${by}` });
};

/** An acceptance is stronger than any rollback: it has to go first. */
const refuseAccepted = (key: WorkloadKey, digest: string, holds: readonly Hold[]): void => {
  const acceptance = holds.find(({ spec }) => spec.acceptedDigests?.includes(digest));
  if (!acceptance) return;
  const { name } = acceptance.metadata;
  throw new CliError(
    `Release ${shortDigest(digest)} is accepted: hold ${name}, asked by ${requestedBy(acceptance)}.`,
    `To revoke that first: metricops lift hold/${name} -n ${key.namespace}`,
  );
};

const follow = async (
  cli: Cli,
  key: WorkloadKey,
  hold: RollbackHold,
  timeoutMs: number,
  start: number,
): Promise<Hold> => {
  const deadline = start + timeoutMs;
  const seen = new Set<string>();
  const say = (line: string): void => {
    if (seen.has(line)) return;
    seen.add(line);
    cli.io.err(`${leg(cli.io.now() - start).padStart(7)}  ${line}`);
  };
  const held = await waitFor(cli.io, deadline, async () => {
    const now = await cli.client.get<Hold>(resources.holds, hold.metadata);
    if (!now) throw new CliError(`Hold ${hold.metadata.name} was deleted meanwhile.`);
    const fresh = (now.status?.observedGeneration ?? 0) >= (now.metadata.generation ?? 0);
    if (fresh && now.status?.phase === 'Failed') throw new CliError(failure(now), 'See `metricops holds -o yaml`.');
    if (fresh && now.status?.phase === 'Dormant') {
      throw new CliError(
        `${failure(now)}: it changed meanwhile.`,
        'Look again with `metricops history`, then once more.',
      );
    }
    return fresh && now.status?.phase === 'Held' ? now : undefined;
  });
  if (!held) {
    throw new CliError(
      `The hold is written, but the controller has not applied the target within ${leg(timeoutMs)}.`,
      'Is the controller up? `metricops check`. The hold stays and is obeyed once it is.',
    );
  }
  say('target applied, its pods start');
  const ready = await waitFor(cli.io, deadline, async () => {
    const workload = await cli.client.get<KubeObject>(workloadResource(key.kind), key);
    if (!workload) throw new CliError(`${workloadWords(key)} is gone.`);
    const progress = rolloutOf(workload);
    say(progress.message);
    return progress.done;
  });
  if (!ready) {
    throw new CliError(
      `Release ${hold.spec.target.release} is applied, but its pods are not all ready within ${leg(timeoutMs)}.`,
      `kubectl -n ${key.namespace} rollout status ${workloadWords(key)}`,
    );
  }
  return held;
};

const failure = (hold: Hold): string =>
  conditionOf(hold, 'Held')?.message ?? hold.spec.message ?? `Hold ${hold.metadata.name} failed.`;
