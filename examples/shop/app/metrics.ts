const BUCKETS = [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5];

export interface Metrics {
  /** Counts one answered request. */
  observe(code: number, seconds: number): void;
  /** Prometheus text format 0.0.4. */
  text(): string;
}

export const createMetrics = (service: string, version: string): Metrics => {
  const byCode = new Map<number, number>();
  const buckets = BUCKETS.map(() => 0);
  let sum = 0;
  let count = 0;
  return {
    observe(code, seconds) {
      byCode.set(code, (byCode.get(code) ?? 0) + 1);
      BUCKETS.forEach((limit, i) => {
        if (seconds <= limit) buckets[i] = (buckets[i] ?? 0) + 1;
      });
      sum += seconds;
      count += 1;
    },
    text() {
      // 200 and 500 always stand there: a rate needs a series that began at 0
      const codes = [...new Set([200, 500, ...byCode.keys()])];
      return [
        '# HELP shop_info Version of the service.',
        '# TYPE shop_info gauge',
        `shop_info{service="${service}",version="${version}"} 1`,
        '# HELP http_requests_total Requests by status code.',
        '# TYPE http_requests_total counter',
        ...codes.map((code) => `http_requests_total{service="${service}",code="${code}"} ${byCode.get(code) ?? 0}`),
        '# HELP http_request_duration_seconds Time to answer.',
        '# TYPE http_request_duration_seconds histogram',
        ...BUCKETS.map(
          (limit, i) => `http_request_duration_seconds_bucket{service="${service}",le="${limit}"} ${buckets[i]}`,
        ),
        `http_request_duration_seconds_bucket{service="${service}",le="+Inf"} ${count}`,
        `http_request_duration_seconds_sum{service="${service}"} ${sum}`,
        `http_request_duration_seconds_count{service="${service}"} ${count}`,
        '',
      ].join('\n');
    },
  };
};
