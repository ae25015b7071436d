/** A counter as it was scraped. */
export interface Counter {
  labels: Readonly<Record<string, string>>;
  /** Milliseconds since the epoch, rising. */
  times: Float64Array;
  /** As it was exposed: it begins again where a process began again. */
  values: Float64Array;
  /** Resets added up: the increase between two samples is a difference. */
  risen: Float64Array;
}

/** @param samples times and values, as many of each */
export const counterOf = (
  labels: Readonly<Record<string, string>>,
  samples: { times: readonly number[]; values: readonly number[] },
): Counter => {
  const times = Float64Array.from(samples.times);
  const values = Float64Array.from(samples.values);
  const risen = new Float64Array(values.length);
  for (let i = 1; i < values.length; i += 1) {
    const [now, before] = [values[i] as number, values[i - 1] as number];
    risen[i] = (risen[i - 1] as number) + (now < before ? now : now - before);
  }
  return { labels, times, values, risen };
};

/** Index of the first time that is `at` or later. */
export const firstFrom = (times: Float64Array, at: number): number => {
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
