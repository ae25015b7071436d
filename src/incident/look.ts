import type { SilenceAnswer, Silences } from '../alertmanager/index.ts';
import type { Incident } from '../api/incident.ts';
import type { ReleaseHistory, RestorableRelease } from '../api/release-history.ts';
import type { WorkloadKey } from '../api/workload.ts';
import { begun } from '../begun.ts';
import { workloadOf } from '../holds/index.ts';
import type { Judge, Question } from '../judge/index.ts';
import type { Caches } from './caches.ts';
import type { Calls } from './calls.ts';
import { refusedTargets } from './decide-together.ts';
import { sharedLimits } from './limits.ts';
import type { Ask } from './move.ts';
import type { Observation, Refusal, RefusalOfTarget } from './observation.ts';
import { observe } from './observe.ts';
import { type Step, step } from './step.ts';

export interface LookPorts {
  caches: Caches;
  judge: Judge;
  obstacleTo: ObstacleTo;
  newestHistory: NewestHistory;
  refusalOf: RefusalOfTarget;
  /** undefined: no Alertmanager is configured, and nobody silences anything. */
  silences?: Silences | undefined;
  /** undefined: no metrics say who calls whom. */
  calls?: Pick<Calls, 'refresh'> | undefined;
  /** Why the API server did not take the proposed Hold the last time. */
  refusal: Refusal | undefined;
  /** Milliseconds since the epoch. */
  now: number;
}

/** The history of the workload as it is stored: the watch may show an older one. Rejects with KubeError. */
export type NewestHistory = (workload: WorkloadKey) => Promise<ReleaseHistory | undefined>;

/** Why a rollback can't go to this release of the workload, in words; undefined: it can. Rejects with KubeError. */
export type ObstacleTo = (workload: WorkloadKey, target: RestorableRelease) => Promise<string | undefined>;

/**
 * One look at an incident: whatever costs a request is asked only where the step can't be taken without. But for the first
 * look: most rollbacks come of it, and the target is asked about while Prometheus is. Changes nothing.
 */
export const look = async (incident: Incident, ports: LookPorts): Promise<Step> => {
  const { obstacleTo, newestHistory, refusal, now } = ports;
  const workload = workloadOf(incident);
  let { caches } = ports;
  const unfit = new Map<number, string>();
  let known: Partial<Observation> = {};
  let first: { release: RestorableRelease; obstacle: () => Promise<string | undefined> } | undefined;
  for (;;) {
    const { observation, question } = observe(incident, caches, { refusal, unfit, verdict: known.verdict, now });
    const taken = step(incident, { ...observation, ...known }, now);
    const { release } = observation.target;
    if (!taken.ask) return taken;
    if (taken.ask === 'Verdict' && !incident.status && release)
      first = { release, obstacle: begun(obstacleTo(workload, release)) };
    if (taken.ask !== 'Target')
      known = {
        ...known,
        ...(await answerTo(taken.ask, incident, { ...observation, ...known }, { ...ports, caches, question })),
      };
    else {
      // Before a rollback: what a person said in the last moment is in the history, and the watch may be late.
      const stored = newestHistory(workload);
      const asked = first?.release.number === release?.number ? first?.obstacle() : undefined;
      const [why, history] = await Promise.all([release && (asked ?? obstacleTo(workload, release)), stored]);
      caches = withHistory(caches, history);
      if (release && why !== undefined) unfit.set(release.number, why);
      else known = { ...known, isTargetFit: true };
    }
  }
};

const withHistory = (caches: Caches, newest: ReleaseHistory | undefined): Caches => ({
  ...caches,
  histories: {
    ...caches.histories,
    get: (name) =>
      newest?.metadata.name === name.name && newest.metadata.namespace === name.namespace
        ? newest
        : caches.histories.get(name),
  },
});

/** Of all alerts that fire: one that nobody silenced is enough to go on. */
const silenceOf = async ({ spec }: Incident, silences: Silences | undefined): Promise<SilenceAnswer> =>
  silences
    ? silences.of(spec.evidence.filter(({ status }) => status === 'firing').map(({ labels }) => labels))
    : { is: 'Audible' };

const answerTo = async (
  ask: Exclude<Ask, 'Target'>,
  incident: Incident,
  observed: Observation,
  ports: LookPorts & { question: () => Question },
): Promise<Partial<Observation>> => {
  const { judge, caches, refusalOf, silences, calls, question, now } = ports;
  if (ask === 'Companions') return { refused: await refusedTargets(incident, observed, refusalOf) };
  if (ask === 'Limits') return { sharedLimits: sharedLimits(incident, caches, now) };
  if (ask === 'Silence') return { silence: await silenceOf(incident, silences) };
  if (ask === 'Burning') return { burning: (await judge.isBurning(question())) ?? 'Unknown' };
  if (ask === 'Restored') return { restoredRatio: (await judge.measureRestored(question())) ?? 'Unknown' };
  // Whom it depends on is a part of the question.
  await calls?.refresh(incident.metadata.namespace ?? '');
  const { verdict, caution } = await judge.judge(question());
  return { verdict, caution };
};
