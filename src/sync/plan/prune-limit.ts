import { hashOf } from '../../snapshot/index.ts';
import { keptFor } from './kept.ts';
import type { Match } from './match-holds.ts';
import type { Plan, PlanInput, PlannedObject } from './types.ts';

/** Of what left Git, what may be deleted, and what stays for which reason. */
export const dividePrune = (
  gone: string[],
  desired: ReadonlyMap<string, PlannedObject>,
  held: readonly Match[],
  { prune, maxPrune, confirmed, inventory, settled, rendered }: PlanInput,
): Pick<Plan, 'prune' | 'kept' | 'confirm'> => {
  if (!prune) return { prune: [], kept: keptFor(gone, 'PruneOff', 'spec.prune is off') };
  const whole = held.find(({ hold }) => hold.spec.scope === 'GitSync');
  if (whole) {
    const why = `the whole sync is held with ${whole.workload.kind} ${whole.workload.name}`;
    return { prune: [], kept: keptFor(gone, 'ReleaseHeld', why) };
  }
  const known = new Set(inventory);
  const successors = new Set([...desired.keys()].filter((key) => !known.has(key)).map(familyOf));
  const lost = gone.filter((key) => !settled.has(key) && !successors.has(familyOf(key)));
  const confirm = hashOf(lost.toSorted()).slice(0, CONFIRM_LENGTH);
  // An empty render was allowed in words already.
  const isMuch = inventory.length >= MANY && lost.length * 100 > inventory.length * maxPrune && rendered.length > 0;
  if (!isMuch || confirmed === confirm) return { prune: gone, kept: [] };
  const why = `with ${lost.length} of ${inventory.length} objects, more than spec.maxPrune (${maxPrune}%)`;
  return { prune: [], kept: keptFor(gone, 'PruneLimitExceeded', why), confirm };
};

/** Fewer are counted by nobody: of two objects, one is half. */
const MANY = 10;
const CONFIRM_LENGTH = 10;

/** Names that end in the hash of their content follow one another: `settings-7f2k9m4d6b` is no loss when another one comes. */
const familyOf = (key: string): string => key.replace(/-[0-9a-z]{10}(?=_[^_]*_[^_]*$)/, '-');
