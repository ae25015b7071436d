import { API_VERSION } from '../../api/annotations.ts';
import type { Hold } from '../../api/hold.ts';
import type { KubeObject } from '../../api/meta.ts';
import type { WorkloadKey } from '../../api/workload.ts';
import { rolloutOf } from '../../health/rollout.ts';
import { resources, workloadResource } from '../../kube/index.ts';
import { holdName } from '../../snapshot/index.ts';
import type { Cli } from '../context.ts';
import { CliError } from '../io.ts';
import { waitFor } from '../wait.ts';
import { conditionOf, imagesOf, leg, shortDigest, workloadWords } from '../words.ts';
import { findHistory } from '../workload-argument.ts';
import { holdsOf } from './holds.ts';
import { planRollback, type RollbackPlan } from './plan-rollback.ts';

export const ROLLBACK_HELP = `
Applies an earlier release and keeps the current one out until Git brings another. Git sync goes on for everything else.

Examples:
  # Back to the last good release, and wait until its pods are ready
  metricops rollback deploy/web -n shop

  # Back to release 12, say why, don't wait
  metricops rollback web --to 12 --message "checkout times out" --no-wait

  # What it would do
  metricops rollback web --dry-run`;

export interface RollbackOptions {
  to?: number;
  message?: string;
  dryRun?: boolean;
  wait: boolean;
  timeout: number;
}

export const rollback = async (cli: Cli, text: string, options: RollbackOptions): Promise<void> => {
  const { key, workload, history } = await findHistory(cli, text);
  const plan = planRollback(workload, history, options.to);
  const from = plan.from === undefined ? shortDigest(plan.rejected) : `release ${plan.from.number}`;
  const sentence = `${workloadWords(key)}: ${from} → release ${plan.target.number} (${imagesOf(plan.target)})`;
  const holds = await holdsOf(cli, key);
  // An active one, or the one that kept the same release out before and lies dormant.
  const existing =
    holds.find((hold) => hold.status?.phase !== 'Lifted') ??
    holds.find((hold) => hold.metadata.name === holdName(key, plan.rejected));
  const hold = holdFor(key, plan, existing, options.message ?? `Rolled back by hand from ${from}.`);
  if (options.dryRun) {
    cli.print(hold, () => `${sentence}\nNothing was changed (--dry-run).`);
    return;
  }
  const start = cli.io.now();
  const written = existing
    ? await cli.client.replace<Hold>(resources.holds, hold)
    : await cli.client.create<Hold>(resources.holds, hold);
  cli.io.err(`${sentence}\nhold ${written.metadata.name} written`);
  const done = options.wait ? await follow(cli, key, written, options.timeout, start) : written;
  cli.print(done, () =>
    options.wait
      ? `Rolled back in ${leg(cli.io.now() - start)}. ${lifts(key)}`
      : `The rollback is asked for. \`metricops holds\` shows how far it is. ${lifts(key)}`,
  );
};

const lifts = (key: WorkloadKey): string =>
  `A commit that changes ${workloadWords(key)} lifts the hold; so does \`metricops lift ${workloadWords(key)} -n ${key.namespace}\`.`;

/** One active hold for a workload: a second rollback adds to what the first keeps out. */
const holdFor = (key: WorkloadKey, plan: RollbackPlan, existing: Hold | undefined, message: string): Hold => {
  const workload = { kind: key.kind, name: key.name };
  const { number: release, sourceDigest, snapshot } = plan.target;
  const before = (existing?.spec.rejectedDigests ?? []).filter((digest) => digest !== sourceDigest);
  const spec: Hold['spec'] = {
    workloadRef: workload,
    scope: existing?.spec.scope ?? 'Workload',
    rejectedDigests: [...new Set([...before, plan.rejected])],
    target: { release, sourceDigest, snapshot, ...(plan.images.length > 0 ? { images: plan.images } : {}) },
    reason: 'Manual',
    message,
  };
  if (existing) return { ...existing, spec };
  const metadata = { namespace: key.namespace, name: holdName(key, plan.rejected) };
  return { apiVersion: API_VERSION, kind: 'Hold', metadata, spec };
};

const follow = async (cli: Cli, key: WorkloadKey, hold: Hold, timeoutMs: number, start: number): Promise<Hold> => {
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
    if (fresh && now.status?.phase === 'Lifted') {
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
