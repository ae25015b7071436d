import { isAlwaysApplied } from '../../api/apply-rule.ts';
import { keyOf, keyString, parseKey } from '../../api/meta.ts';
import { decidingPartOf, hashOf, indexSelectors } from '../../snapshot/index.ts';
import { leaveToHolds } from './leave-to-holds.ts';
import { isWorkload, matchHolds } from './match-holds.ts';
import { dividePrune } from './prune-limit.ts';
import { substituteAll } from './substitute.ts';
import type { Plan, PlanInput, PlannedObject } from './types.ts';

/**
 * What to do so that the cluster equals Git, with rejected releases kept out. Pure: the same input gives the same plan,
 * and a plan made again after a crash comes to the same end.
 */
export const plan = (input: PlanInput): Plan => {
  const desired = new Map<string, PlannedObject>();
  const selectorsOf = indexSelectors(input.rendered.filter(isAlwaysApplied));
  for (const object of input.rendered) {
    const key = keyString(keyOf(object));
    const digests = isWorkload(object) ? input.digestsOf(object) : undefined;
    const selectors = digests ? selectorsOf(object) : [];
    // A workload whose configuration changed is a new release, though its own object is the same; and what finds its
    // pods is recorded with it.
    const parts = selectors.length > 0 ? [selectors.map(decidingPartOf)] : [];
    const hash = hashOf([input.hashOf(object), digests?.sourceDigest, ...parts]);
    desired.set(key, { key, object, hash, ...(digests ? { digests, selectors } : {}) });
  }

  const { held, passed } = matchHolds(desired, input);
  const keep = new Map<string, string>();
  substituteAll(held, input, desired, keep);
  leaveToHolds(held, desired, keep);

  const all = [...desired.values()];
  const emptyRefused = input.rendered.length === 0 && input.inventory.length > 0 && !input.allowEmpty;
  const wanted = new Set([...desired.keys(), ...keep.keys()]);
  const gone = input.inventory.filter((key) => !wanted.has(key));
  const divided = emptyRefused ? { prune: [], kept: [] } : dividePrune(gone, desired, held, input);
  return {
    desired: all,
    apply: all.filter((o) => input.applied.get(o.key) !== o.hash || input.drifted.has(o.key)),
    keep: [...keep].map(([key, reason]) => ({ key, reason })),
    ...divided,
    departures: departuresOf(gone, all, input),
    held: held.map(({ target: _, rejected: __, left: ___, ...rest }) => rest),
    passed,
    emptyRefused,
  };
};

/** A held one did not come: it is what stays instead. */
const departuresOf = (
  gone: readonly string[],
  desired: readonly PlannedObject[],
  { inventory, departures }: PlanInput,
): Plan['departures'] => {
  const known = new Set(inventory);
  const came = desired.filter(({ key, object, hold }) => isWorkload(object) && !hold && !known.has(key));
  const entries = gone.flatMap((key) => {
    const { group, kind } = parseKey(key);
    if (group !== 'apps') return [];
    const now = came.filter(({ object }) => object.kind === kind).map((each) => each.key);
    const candidates = new Set([...(departures.get(key) ?? []), ...now]);
    return candidates.size > 0 ? [[key, [...candidates]] as const] : [];
  });
  return new Map(entries);
};
