import { type Hold, isRollback, type RollbackHold } from '../api/hold.ts';
import type { Incident } from '../api/incident.ts';
import { type ReleaseHistory, releasesOf } from '../api/release-history.ts';
import type { Clock } from '../clock.ts';
import {
  isConflict,
  isNotFound,
  isRejected,
  type KubeClient,
  KubeError,
  removeFinalizer,
  resources,
  whatTerminates,
  workloadResource,
} from '../kube/index.ts';
import { historyName } from '../snapshot/index.ts';
import { FINALIZER } from './finalizer.ts';
import { liftOf, numbersOf, recordLift } from './lift.ts';
import { holdAgain } from './new-hold.ts';
import { type ReportPorts, reportHold, type Said } from './report.ts';
import { effective, workloadOf } from './rules.ts';

export interface FinalizePorts extends ReportPorts {
  clock: Clock;
  /** Every Hold of its namespace. */
  list: () => readonly Hold[];
}

/**
 * A person deleted the Hold: the history remembers the lift, then the Hold may go. A release that is rejected for the
 * second time stays out: its Hold is there again, under another name, before this one goes. Where the kind, the
 * namespace, the history or the workload goes along, nothing is remembered, and the Hold goes at once.
 *
 * Whatever its phase, and whatever the API server refuses, the Hold goes: what can't be remembered is said. Rejects with
 * KubeError where another try is worth it: for a minute at most, or until its incident has noted the Hold.
 */
export const finalizeHold = async (hold: Hold, ports: FinalizePorts): Promise<void> => {
  const [rollback] = isRollback(hold) ? effective([hold], ports.list()) : [];
  if (rollback) await lift(rollback, ports).catch((error: unknown) => unrecorded(rollback, error, ports));
  await removeFinalizer(ports.client, resources.holds, hold, FINALIZER).catch((error: unknown) => {
    if (!isNotFound(error)) throw error; // gone already
  });
};

/** So long what may be over in a moment keeps a deleted Hold. */
const GIVE_UP_MS = 60_000;

const unrecorded = async (hold: RollbackHold, error: unknown, ports: FinalizePorts): Promise<void> => {
  const age = ports.clock.now() - Date.parse(hold.metadata.deletionTimestamp ?? '');
  if (!isRejected(error) && age < GIVE_UP_MS) throw error;
  if (!(await isNoted(hold, ports.client))) throw error;
  const why = error instanceof KubeError ? error.message : 'an unexpected error';
  const message = `lifted, but the history does not say so, and evidence from before may reject the release again: ${why}`;
  await reportHold(hold, { severity: 'warning', reason: 'HoldLifted', message }, ports);
};

/** Its incident would create it again, if neither the history nor the incident itself knew that it was there. */
const isNoted = async ({ metadata, spec }: RollbackHold, client: KubeClient): Promise<boolean> => {
  if (!spec.incidentRef) return true;
  const { namespace = '' } = metadata;
  const incident = await client.get<Incident>(resources.incidents, { namespace, name: spec.incidentRef.name });
  const { closedTime, holdRef } = incident?.status ?? {};
  return !incident || closedTime !== undefined || holdRef?.name === metadata.name;
};

const TRIES = 5;

const lift = async (hold: RollbackHold, ports: FinalizePorts): Promise<void> => {
  const { client, clock, list } = ports;
  const workload = workloadOf(hold);
  if ((await whatTerminates(resources.holds, [workload.namespace], client)) !== undefined) return;
  const name = { namespace: workload.namespace, name: historyName(workload) };
  for (let tries = 1; ; tries += 1) {
    const history = await client.get<ReleaseHistory>(resources.releaseHistories, name);
    if (!history || history.metadata.deletionTimestamp !== undefined) return;
    const releases = releasesOf(history);
    const { lifted, kept } = liftOf(hold, releases, list());
    if (kept.length > 0 && (await client.get(workloadResource(workload.kind), workload))) await keep(hold, kept, ports);
    if (lifted.length === 0) return;
    try {
      const after = recordLift(history, lifted, clock.now());
      await client.replace(resources.releaseHistories, after);
      return await reportHold(hold, saidOfLift(numbersOf(releases, lifted)), ports);
    } catch (error) {
      if (!isConflict(error) || tries >= TRIES) throw error;
    }
  }
};

const saidOfLift = (numbers: readonly number[]): Said => ({
  severity: 'info',
  reason: 'HoldLifted',
  message: `lifted: ${numbers.length === 0 ? 'what it kept out' : `release ${numbers.join(', ')}`} may run again; only evidence that begins from now on can reject it`,
  release: numbers[0],
});

const keep = async (hold: RollbackHold, digests: string[], ports: FinalizePorts): Promise<void> => {
  const { name, namespace } = hold.metadata;
  const { kind, name: workload } = hold.spec.workloadRef;
  const message = `Rejected again after it was lifted: only accepting lets it run: metricops accept ${kind.toLowerCase()}/${workload} -n ${namespace}`;
  try {
    const created = await ports.client.create<Hold>(resources.holds, holdAgain(hold, digests, message));
    const said = `was created after Hold ${name} was deleted. ${message}`;
    await reportHold(created, { severity: 'warning', reason: 'HoldKept', message: said }, ports);
  } catch (error) {
    if (!isConflict(error)) throw error; // a crash took the answer
  }
};
