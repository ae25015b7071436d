/** A counter as it was scraped. */
export interface Counter {
  labels: Readonly<Record<string, string>>;
  /** Milliseconds since the epoch, rising. */
  times: Float64Array;
  /** As it was exposed: it begins again where a process began again. */
  values: Float64Array;
  /** Resets added up: the increase between two samples is a difference. */
  risen: Float64Array;
  /** Least milliseconds between two samples; Infinity where there are no two. */
  closest: number;
}

/** @param samples times and values, as many of each */
export const counterOf = (
  labels: Readonly<Record<string, string>>,
  samples: { times: ArrayLike<number>; values: ArrayLike<number> },
): Counter => {
  const times = new Float64Array(samples.times);
  const values = new Float64Array(samples.values);
  const risen = new Float64Array(values.length);
  let closest = Number.POSITIVE_INFINITY;
  for (let i = 1; i < values.length; i += 1) {
    const now = values[i] as number;
    const before = values[i - 1] as number;
    risen[i] = (risen[i - 1] as number) + (now < before ? now : now - before);
    closest = Math.min(closest, (times[i] as number) - (times[i - 1] as number));
  }
  return { labels, times, values, risen, closest };
};

/** Index of the first time that is `at` or later. */
export const firstFrom = (times: Float64Array, at: number): number => {
  const last = times.length - 1;
  const [begin, end] = [times[0] as number, times[last] as number];
  if (last < 0 || at <= begin) return 0;
  if (at > end) return last + 1;
  // Scrapes are regular but for gaps: most are where a regular one would be.
  const guess = Math.ceil(((at - begin) / (end - begin)) * last);
  if ((times[guess] as number) >= at && (times[guess - 1] as number) < at) return guess;
  let [low, high] = [0, times.length];
  while (low < high) {
    const middle = (low + high) >> 1;
    if ((times[middle] as number) < at) low = middle + 1;
    else high = middle;
  }
  return low;
};

/** As OpenMetrics, which `promtool tsdb create-blocks-from` reads. */
export const openMetricsOf = (counters: readonly Counter[]): string => {
  const lines = counters.flatMap(({ labels: { __name__, ...labels }, times, values }) => {
    const pairs = Object.entries(labels).map(([name, value]) => `${name}="${value}"`);
    return Array.from(times, (at, i) => `${__name__}{${pairs.join(',')}} ${values[i]} ${at / 1000}`);
  });
  return [...lines, '# EOF', ''].join('\n');
};
