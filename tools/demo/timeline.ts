/** What happened when, relative to a zero. */
export interface TimelineEntry {
  /** Milliseconds since the epoch. */
  at: number;
  what: string;
}

/**
 * A table for people: time since the first entry, time since the one before, what happened.
 * @param entries in any order
 */
export const renderTimeline = (entries: readonly TimelineEntry[]): string => {
  const ordered = entries.toSorted((a, b) => a.at - b.at);
  const zero = ordered[0]?.at ?? 0;
  const seconds = (ms: number): string => `${(ms / 1000).toFixed(1)} s`;
  const rows = ordered.map((entry, i) => {
    const leg = i === 0 ? '' : `+${seconds(entry.at - (ordered[i - 1]?.at ?? entry.at))}`;
    return `${seconds(entry.at - zero).padStart(9)}  ${leg.padStart(9)}  ${entry.what}`;
  });
  return [`${'AT'.padStart(9)}  ${'LEG'.padStart(9)}  WHAT`, ...rows].join('\n');
};
