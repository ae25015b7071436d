import type { KubeObject } from '../../api/meta.ts';
import type { Release, ReleaseHistory, ReleaseRecords, RestorableRelease } from '../../api/release-history.ts';
import { irreversibleSince, selectLastGood, type Unfit } from '../../release/index.ts';
import { type ImagePin, pinsFor, recordedDigest } from '../../snapshot/index.ts';
import { CliError } from '../io.ts';

export interface RollbackPlan {
  /** sourceDigest that must not run any more. */
  rejected: string;
  /** The release it belongs to; undefined while it is not recorded yet. */
  from: Release | undefined;
  target: RestorableRelease;
  /** Images of the target by digest, where a tag means something else since. */
  images: ImagePin[];
}

/**
 * Which digest a person's rollback keeps out, and which release it goes to.
 * What stands on the workload goes before what is recorded: a release is recorded only when its first pod reports.
 *
 * @param no releases that are no target, as they burned or turned out to be unfit: without `to`, the choice goes past them
 */
export const planRollback = (
  workload: KubeObject | undefined,
  history: ReleaseHistory,
  to: number | undefined,
  no: { burned?: Unfit; unfit?: Unfit } = {},
): RollbackPlan => {
  const { releases = [], currentRelease } = history.spec;
  const byNumber = (number: number | undefined): Release | undefined => releases.find((r) => r.number === number);
  const rejected = workload ? recordedDigest(workload, releases) : byNumber(currentRelease)?.sourceDigest;
  if (rejected === undefined) {
    throw new CliError(
      'Nothing says which release runs now.',
      'Wait until its pods have reported: `metricops history`.',
    );
  }
  const from = releases.find((r) => r.sourceDigest === rejected);
  const target = to === undefined ? lastGood(history.spec, from, no) : byNumber(to);
  if (!target) {
    throw new CliError(
      `There is no release ${to}.`,
      `There are ${releases.map((r) => r.number).join(', ')}; \`metricops history\` shows them.`,
    );
  }
  if (target.sourceDigest === rejected) {
    throw new CliError(
      `Release ${target.number} is what runs now.`,
      'Choose another with --to N: `metricops history`.',
    );
  }
  const { snapshotRef } = target;
  if (snapshotRef === undefined) {
    throw new CliError(
      `What was applied for release ${target.number} was not recorded, so it can't be applied again.`,
      'Choose another with --to N, or revert the commit in Git.',
    );
  }
  return {
    rejected,
    from,
    target: { ...target, snapshotRef },
    images: pinsFor(target, releases),
  };
};

/** Where an incident would go, too. */
const lastGood = (
  records: ReleaseRecords,
  from: Release | undefined,
  no: { burned?: Unfit; unfit?: Unfit },
): Release => {
  const target = selectLastGood(records, {
    burnStart: Number.POSITIVE_INFINITY,
    suspect: from?.number ?? 'Unrecorded',
    ...no,
  });
  if (target.release) return target.release;
  throw new CliError(
    `No earlier release is known to be good. ${target.message}`,
    'Choose one yourself: `metricops history` lists them, then --to N.',
  );
};

/** What a migration changed stays: a person has to know whether the older release can work with it. */
export const refuseIrreversible = ({ target, from }: RollbackPlan, releases: readonly Release[]): void => {
  const found = irreversibleSince(target, from?.number, releases);
  if (!found) return;
  throw new CliError(
    `Release ${found.number} is irreversible: ${found.irreversible}. What it changed stays when release ${target.number} runs.`,
    'To roll back all the same: --force. Else fix forward, or choose another release with --to N.',
  );
};
