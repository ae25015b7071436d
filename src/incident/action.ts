import type { Hold, RollbackHold } from '../api/hold.ts';
import type { Incident } from '../api/incident.ts';
import type { Occurrence } from '../api/occurrence.ts';

/**
 * What a step wants done, with whole objects: whoever carries it out composes nothing and decides nothing. Each may be
 * done again after a crash.
 */
export type Action =
  /** For the release that came after the suspect. One of that name that is there already is as good. */
  | { kind: 'CreateIncident'; incident: Incident }
  /** Compare-and-set, by the resourceVersion that it has. When somebody else was faster, nothing after it is done. */
  | { kind: 'WriteStatus'; incident: Incident }
  /** The stored proposal. One of that name that is there already is as good. */
  | { kind: 'CreateHold'; hold: Hold }
  /** By its uid. One that is gone already is as good. */
  | { kind: 'LiftHold'; hold: RollbackHold }
  /** Compare-and-set. When somebody else was faster, the next step sees what they made of it. */
  | { kind: 'ChangeHold'; hold: RollbackHold }
  | { kind: 'Report'; occurrence: Occurrence }
  | { kind: 'Count'; counter: 'rollbacks' | 'verdicts'; result: string };
