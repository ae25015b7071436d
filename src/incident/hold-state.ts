import { conditionIs } from '../api/conditions.ts';
import type { RollbackHold } from '../api/hold.ts';
import type { Incident, IncidentStatus } from '../api/incident.ts';

/** What the controller made of a Hold, as it says itself. */
export interface HoldState {
  phase: 'Pending' | 'Held' | 'Dormant' | 'Failed';
  /** In the words of the Hold, and in those of the API server where it refused; empty where nothing is said. */
  message: string;
  /** Somebody else brings the rejected release back again and again. */
  contested: string | undefined;
}

/** An older word is about the Hold before somebody edited it. */
export const stateOf = ({ metadata, status }: RollbackHold): HoldState => {
  const { observedGeneration = 0, phase = 'Pending', conditions } = status ?? {};
  const messageOf = (type: string): string => conditions?.find((c) => c.type === type)?.message ?? '';
  const isStale = observedGeneration < (metadata.generation ?? 0);
  return {
    phase: isStale ? 'Pending' : phase,
    message: isStale ? '' : messageOf('Held'),
    contested: conditionIs(conditions, 'Contested', 'True') ? messageOf('Contested') : undefined,
  };
};

/** The incident goes where the Hold goes: a person may have edited it, or created another one. */
export const following = (
  { status }: Incident,
  { metadata: { name }, spec: { target } }: RollbackHold,
): Pick<IncidentStatus, 'holdRef' | 'target'> => ({
  holdRef: { name },
  target:
    status?.target?.sourceDigest === target.sourceDigest
      ? status.target
      : { number: target.release, sourceDigest: target.sourceDigest, snapshotRef: target.snapshotRef },
});
