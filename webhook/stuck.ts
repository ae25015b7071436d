import type { KubeObject } from '../src/api/meta.ts';
import type { Clock } from '../src/clock.ts';
import { isHeldByKubelet, isInjectedBy, isRecording, troubleOf } from './trouble.ts';

/** A registry that hiccups once, a kubelet that is restarted. With the look's interval this stays below half a minute. */
const GRACE_MS = 15_000;
/** Between two crashes a container runs for a moment: trouble that ended a shorter time ago has not ended. */
const CALM_MS = 20_000;

export interface StuckPod {
  pod: KubeObject;
  words: string;
  /** When the pod was first seen, by this process' clock. */
  seenAt: number;
  /** Counted for the first time. */
  isNew: boolean;
}

interface Known {
  seenAt: number;
  troubleSince: number | undefined;
  troubleAt: number;
  words: string;
  isCounted: boolean;
}

export interface Watched {
  stuck: StuckPod[];
  recording: { pod: KubeObject; seenAt: number }[];
}

/**
 * Follows the pods that carry our recorder: which are kept from starting by it for longer than a hiccup, which record.
 * Times are those of this process, never of the objects: clocks differ.
 *
 * @param image of the recorder, by our settings
 */
export const createStuckPods = ({ clock, image }: { clock: Pick<Clock, 'now'>; image: string }) => {
  let known = new Map<string, Known>();

  const follow = (pod: KubeObject, now: number): Known => {
    const uid = pod.metadata.uid ?? '';
    const entry = known.get(uid) ?? {
      seenAt: now,
      troubleSince: undefined,
      troubleAt: 0,
      words: '',
      isCounted: false,
    };
    const words = troubleOf(pod) ?? (isHeldByKubelet(pod) ? HELD : undefined);
    if (words !== undefined) {
      entry.troubleSince ??= now;
      entry.troubleAt = now;
      entry.words = words;
    } else if (now - entry.troubleAt >= CALM_MS) {
      entry.troubleSince = undefined;
    }
    return entry;
  };

  return {
    look(pods: Iterable<KubeObject>): Watched {
      const now = clock.now();
      const next = new Map<string, Known>();
      const watched: Watched = { stuck: [], recording: [] };
      for (const pod of pods) {
        if (!isInjectedBy(pod, image)) continue;
        const entry = follow(pod, now);
        next.set(pod.metadata.uid ?? '', entry);
        const { seenAt, troubleSince, words } = entry;
        if (troubleSince === undefined) {
          if (isRecording(pod)) watched.recording.push({ pod, seenAt });
        } else if (now - troubleSince >= GRACE_MS && pod.metadata.deletionTimestamp === undefined) {
          watched.stuck.push({ pod, words, seenAt, isNew: !entry.isCounted });
          entry.isCounted = true;
        }
      }
      known = next;
      return watched;
    },
  };
};

const HELD = "its kubelet has no native sidecars: it waits for the recorder's end before it starts the application";
