import { type Hold, isRollback } from '../api/hold.ts';
import { isConflict, type KubeClient, resources } from '../kube/index.ts';
import { FINALIZER } from './finalizer.ts';

const TRIES = 5;

/**
 * Stores a Hold, unless one of its name is there: then that one says what was said before. A denial of another incident
 * stands in nobody's way: it ended with its incident, and is replaced.
 *
 * Rejects with KubeError.
 */
export const createHold = async (hold: Hold, client: KubeClient): Promise<{ hold: Hold; created: boolean }> => {
  for (let tries = 1; ; tries += 1) {
    try {
      return { hold: await client.create<Hold>(resources.holds, withFinalizer(hold)), created: true };
    } catch (error) {
      if (!isConflict(error)) throw error;
      const other = await client.get<Hold>(resources.holds, hold.metadata);
      if (other && !isSpent(other, hold)) return { hold: other, created: false };
      if (tries >= TRIES) throw error;
      if (other) await client.delete(resources.holds, other.metadata, preconditions(other));
    }
  }
};

/** From the start: a person may delete it before the controller has looked at it, and that is a lift, too. */
const withFinalizer = (hold: Hold): Hold =>
  isRollback(hold) ? { ...hold, metadata: { ...hold.metadata, finalizers: [FINALIZER] } } : hold;

const isSpent = (other: Hold, hold: Hold): boolean =>
  other.spec.action === 'Deny' && other.spec.incidentRef?.name !== hold.spec.incidentRef?.name;

const preconditions = ({ metadata: { uid } }: Hold): { uid?: string } => (uid === undefined ? {} : { uid });
