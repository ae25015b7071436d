import type { Hold } from '../api/hold.ts';
import { isConflict, type KubeClient, resources } from '../kube/index.ts';

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
      return { hold: await client.create<Hold>(resources.holds, hold), created: true };
    } catch (error) {
      if (!isConflict(error)) throw error;
      const other = await client.get<Hold>(resources.holds, hold.metadata);
      if (other && !isSpent(other, hold)) return { hold: other, created: false };
      if (tries >= TRIES) throw error;
      if (other) await client.delete(resources.holds, other.metadata, preconditions(other));
    }
  }
};

const isSpent = (other: Hold, hold: Hold): boolean =>
  other.spec.action === 'Deny' && other.spec.incidentRef?.name !== hold.spec.incidentRef?.name;

const preconditions = ({ metadata: { uid } }: Hold): { uid?: string } => (uid === undefined ? {} : { uid });
