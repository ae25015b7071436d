import { currentOf, isRuledOut, type Release, type ReleaseRecords } from '../api/release-history.ts';
import { evict } from './evict.ts';
import { type Guilt, isCondemned, isKeptOut, isSince, type Rejection, withGuilt, withRejection } from './rejection.ts';

/** One release, as the cluster shows it. */
export type Observed = Pick<Release, 'sourceDigest' | 'workloadUID' | 'images'> &
  Partial<
    Pick<
      Release,
      | 'revision'
      | 'commit'
      | 'gitSyncRef'
      | 'appliedBy'
      | 'labels'
      | 'alertRules'
      | 'serviceAccountName'
      | 'persistentVolumeClaims'
      | 'irreversible'
      | 'snapshotRef'
    >
  >;

export interface Observation {
  release: Observed;
  /** It is what the workload's template says now. */
  current: boolean;
  /** It is current, and its rollout is complete. */
  ready: boolean;
  /** RFC 3339, of a whole second: when its template was written, by the API server's account. */
  writtenTime?: string | undefined;
}

/** What Holds, Incidents, objectives and people say about the digests of one workload. */
export interface Judgements {
  soakMs: number;
  /** Digests that a Hold keeps out, since when, and for which incident. */
  rejected: ReadonlyMap<string, Rejection>;
  /** Digests that a person accepted in spite of a rejection. */
  accepted: ReadonlySet<string>;
  /** Digests with an incident: the milliseconds from which its soak time counts again; Infinity while it is open. */
  suspected: ReadonlyMap<string, number>;
  /** Digests that an incident found guilty, whatever came of it, and no person accepted. */
  guilty: ReadonlyMap<string, Guilt>;
  /** Digests that a Hold goes back to. */
  targets: ReadonlySet<string>;
}

/**
 * The history after an observation. Pure; the same observation twice changes nothing, however many pods or replicas
 * make it. Without an observation only the judgements and the time are applied.
 *
 * @param now milliseconds since the epoch
 */
export const observe = (
  before: ReleaseRecords,
  observation: Observation | undefined,
  judgements: Judgements,
  now: number,
): ReleaseRecords => {
  const time = new Date(now).toISOString();
  const { releases, current, number } = observation
    ? recorded(before, observation, time)
    : { releases: before.releases ?? [], current: before.currentRelease, number: undefined };
  const ready = observation?.current === true && observation.ready;
  const judged = releases.map((r) => judge(r, { current, ready, judgements, now }));
  const lastGood = newestGood(judged)?.number;
  const kept = evict(judged, (r) => isKept(r, { current, lastGood, justSeen: number, judgements }));
  return {
    ...(current === undefined ? {} : { currentRelease: current }),
    ...(lastGood === undefined ? {} : { lastGoodRelease: lastGood }),
    releases: kept,
  };
};

/** When the current release will have been good for its soak time; undefined when no time will make it so. */
export const goodAt = (records: ReleaseRecords, judgements: Judgements): number | undefined => {
  const release = currentOf(records);
  if (!release || release.goodTime !== undefined || isRuledOut(release)) return undefined;
  const due = soakEnd(release, judgements);
  return Number.isFinite(due) ? due : undefined;
};

/** When it last became current; one that was lifted has a new start with the lift. */
export const currentSince = ({ restoredTime, firstSeenTime, liftedTime }: Release): number =>
  Math.max(Date.parse(restoredTime ?? firstSeenTime), Date.parse(liftedTime ?? firstSeenTime));

/** Of those that were good, and are not ruled out: the one that was current last. */
export const newestGood = <R extends Release>(releases: readonly R[]): R | undefined =>
  releases
    .filter((r) => r.goodTime !== undefined && !isRuledOut(r))
    .toSorted((a, b) => currentSince(b) - currentSince(a) || b.number - a.number)[0];

const recorded = (
  before: ReleaseRecords,
  observation: Observation,
  time: string,
): { releases: Release[]; current: number | undefined; number: number | undefined } => {
  const releases = before.releases ?? [];
  const known = releases.find((r) => r.sourceDigest === observation.release.sourceDigest);
  // A release that was never seen as current may be what a cache that lags behind calls old: it will be seen again.
  if (!known && !observation.current) return { releases, current: before.currentRelease, number: undefined };
  const number = known?.number ?? 1 + Math.max(0, before.currentRelease ?? 0, ...releases.map((r) => r.number));
  const since = startOf(before, observation, time);
  const entry = known ? merged(known, observation) : fresh(number, observation.release, since);
  const all = known ? releases.map((r) => (r === known ? entry : r)) : [entry, ...releases];
  if (!observation.current || before.currentRelease === number)
    return { releases: all, current: before.currentRelease, number };
  return {
    releases: all.map((r) =>
      r.number === number
        ? returned(r, since)
        : r.number === before.currentRelease
          ? { ...r, supersededTime: since }
          : r,
    ),
    current: number,
    number,
  };
};

/**
 * When a release began that comes after another one, or came back. It may burn before anybody records it, as while no
 * leader is there: a burn that began before its release would be another's fault. Later than the API server's second,
 * never sooner. One that came back by its configuration alone came when that was seen: no template was written.
 */
const startOf = (before: ReleaseRecords, { writtenTime }: Observation, time: string): string => {
  const previous = currentOf(before);
  const written = Date.parse(writtenTime ?? '');
  if (!previous || !(written > currentSince(previous)) || written >= Date.parse(time)) return time;
  return new Date(written).toISOString();
};

const fresh = (number: number, seen: Observed, time: string): Release => ({
  number,
  ...seen,
  firstSeenTime: time,
  outcome: 'Active',
});

/** Current again: restored, unless it is one ruled out that landed once more, or one on probation after a lift. */
const returned = (release: Release, time: string): Release => {
  const { supersededTime, restoredTime, ...rest } = release;
  if (supersededTime === undefined || isRuledOut(release))
    return { ...rest, ...(restoredTime ? { restoredTime } : {}) };
  return isSince(release.liftedTime, supersededTime) ? rest : { ...rest, restoredTime: time };
};

/** What was recorded first stays; what was missing is filled in; what can change while it is current follows. */
const merged = (known: Release, { release: seen, current }: Observation): Release => ({
  ...seen,
  ...(current ? withoutIrreversible(known) : known),
  images: known.images.map((image) => {
    const other = seen.images.find((s) => s.container === image.container && s.image === image.image);
    return image.imageID === undefined && other?.imageID !== undefined ? { ...image, imageID: other.imageID } : image;
  }),
  ...(current
    ? {
        workloadUID: seen.workloadUID,
        // A restart gives the same release another pod-template-hash.
        ...(seen.revision === undefined ? {} : { revision: seen.revision }),
        ...(seen.alertRules === undefined ? {} : { alertRules: seen.alertRules }),
        ...(seen.snapshotRef === undefined ? {} : { snapshotRef: seen.snapshotRef }),
      }
    : {}),
});

const withoutIrreversible = ({ irreversible: _, ...release }: Release): Release => release;

const judge = (
  release: Release,
  context: { current: number | undefined; ready: boolean; judgements: Judgements; now: number },
): Release => {
  const { judgements, now } = context;
  const hold = judgements.rejected.get(release.sourceDigest);
  const guilt = judgements.guilty.get(release.sourceDigest);
  const next = { ...withGuilt(withRejection(release, hold), guilt) };
  const isCurrent = release.number === context.current;
  if (isCurrent && context.ready) next.readyTime ??= new Date(now).toISOString();
  const accepted = !hold && judgements.accepted.has(release.sourceDigest);
  const rejected = hold !== undefined || (isKeptOut(next) && !accepted);
  const guilty = !accepted && (guilt !== undefined || isCondemned(next));
  if (isCurrent && !rejected && !guilty && soakEnd(next, judgements) <= now)
    next.goodTime ??= new Date(now).toISOString();
  next.outcome = outcomeOf(next, { rejected, guilty, accepted, isCurrent });
  return next;
};

const outcomeOf = (
  { rejectedTime, guiltyTime, goodTime }: Release,
  is: { rejected: boolean; guilty: boolean; accepted: boolean; isCurrent: boolean },
): Release['outcome'] => {
  if (is.rejected) return 'Rejected';
  if (is.guilty) return 'Guilty';
  if (is.accepted && (rejectedTime ?? guiltyTime) !== undefined) return 'Accepted';
  if (goodTime !== undefined) return 'Good';
  return is.isCurrent ? 'Active' : 'Superseded';
};

/** Milliseconds: the end of the soak time of a release that is current. Infinity: not before something else happens. */
const soakEnd = (release: Release, { soakMs, suspected }: Judgements): number => {
  if (release.readyTime === undefined) return Number.POSITIVE_INFINITY;
  const from = suspected.get(release.sourceDigest) ?? Number.NEGATIVE_INFINITY;
  return Math.max(Date.parse(release.readyTime), currentSince(release), from) + soakMs;
};

/** The releases that a later decision needs: never evicted. */
const isKept = (
  release: Release,
  needed: { current: number | undefined; lastGood: number | undefined; justSeen: number | undefined } & {
    judgements: Judgements;
  },
): boolean =>
  [needed.current, needed.lastGood, needed.justSeen].includes(release.number) ||
  release.rejectedTime !== undefined ||
  needed.judgements.rejected.has(release.sourceDigest) ||
  needed.judgements.targets.has(release.sourceDigest);
