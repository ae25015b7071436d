export interface Budget {
  /**
   * Takes `amount` for the group, or answers what it would exceed. What was taken is given back by calling the result's
   * `free`, as often as one likes.
   */
  take(
    group: string,
    amount: number,
  ): { ok: true; free: () => void } | { ok: false; of: 'group' | 'all'; limit: number };
  /** Taken now, by everybody. */
  used(): number;
}

/**
 * An amount of something (bytes, places) that all share and of which one group gets at most `perGroup`: what exceeds
 * it is refused at once, in figures, and is never queued. For what may wait its turn there is `createTurns`.
 */
export const createBudget = ({ total, perGroup = total }: { total: number; perGroup?: number }): Budget => {
  const taken = new Map<string, number>();
  let all = 0;
  const give = (group: string, amount: number): void => {
    all -= amount;
    const left = (taken.get(group) ?? 0) - amount;
    if (left > 0) taken.set(group, left);
    else taken.delete(group);
  };
  return {
    take(group, amount) {
      const own = taken.get(group) ?? 0;
      if (own + amount > perGroup) return { ok: false, of: 'group', limit: perGroup };
      if (all + amount > total) return { ok: false, of: 'all', limit: total };
      all += amount;
      taken.set(group, own + amount);
      let held = true;
      const free = (): void => {
        if (held) give(group, amount);
        held = false;
      };
      return { ok: true, free };
    },
    used: () => all,
  };
};
