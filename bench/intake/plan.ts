/** One alert of a delivery. Its `pod` label is its own within the workload. */
export interface PlannedAlert {
  /** namespace/name of the workload that it is about; undefined: of none that is there. */
  workload: string | undefined;
  status: 'firing' | 'resolved';
  labels: Record<string, string>;
}

/** One body that one of two Alertmanagers posts. */
export interface Delivery {
  /** Milliseconds after the beginning. */
  at: number;
  alertmanager: 0 | 1;
  alerts: readonly PlannedAlert[];
}

export const WORKLOADS = 200;
const NAMESPACES = 10;
export const namespaceOf = (i: number): string => `intake-${i % NAMESPACES}`;
export const nameOf = (i: number): string => `web-${i}`;
export const INTAKE_NAMESPACES = Array.from({ length: NAMESPACES }, (_, i) => namespaceOf(i));

const ALERTNAME = 'ErrorBudgetBurn';
const alertOf = (i: number, pod: string, status: PlannedAlert['status'] = 'firing'): PlannedAlert => ({
  workload: `${namespaceOf(i)}/${nameOf(i)}`,
  status,
  labels: { alertname: ALERTNAME, severity: 'page', namespace: namespaceOf(i), metricops_policy: nameOf(i), pod },
});
const foreign = (i: number, pod: string): PlannedAlert => ({
  workload: undefined,
  status: 'firing',
  labels: { alertname: 'Other', severity: 'page', namespace: namespaceOf(i), deployment: `other-${i}`, pod },
});

const BOTH = [0, 1] as const;
const STORM_MS = 60_000;
const GROUP = 700;
const GROUP_TIMES = [10_000, 40_000] as const;
/** Of alerts that are sent; the others are sent in groups. */
const GROUPED = 4 * GROUP;
/** One of so many is about nothing that is there. */
const FOREIGN_EVERY = 20;

/** So many alerts in a minute: each is sent by both Alertmanagers, most by themselves, 2,800 in groups of 700. */
export const storm = (alerts: number): Delivery[] => {
  const count = Math.max(0, Math.floor((alerts - GROUPED) / 2));
  const singles = Array.from({ length: count }, (_, n): Delivery[] => {
    const at = (n * STORM_MS) / count;
    // The second one hears of it a moment later.
    return BOTH.map((alertmanager) => ({ at: at + 150 * alertmanager, alertmanager, alerts: [single(n)] }));
  }).flat();
  const groups = GROUP_TIMES.flatMap((at, g) =>
    BOTH.map((alertmanager): Delivery => ({ at: at + 400 * alertmanager, alertmanager, alerts: group(g) })),
  );
  return [...singles, ...groups].toSorted((a, b) => a.at - b.at);
};

/** Of each workload twelve pods fire, four of them are said again, and two are over. */
const single = (n: number): PlannedAlert => {
  const [i, turn] = [(n * 7) % WORKLOADS, Math.floor(n / WORKLOADS)];
  if (n % FOREIGN_EVERY === FOREIGN_EVERY - 1) return foreign(i, `pod-${turn}`);
  if (turn < 12) return alertOf(i, `pod-${turn}`);
  return turn < 16 ? alertOf(i, `pod-${turn - 12}`) : alertOf(i, `pod-${turn - 16}`, 'resolved');
};

/** Three alerts of each workload, and a hundred of others. */
const group = (g: number): PlannedAlert[] =>
  Array.from({ length: GROUP }, (_, j) =>
    j < 3 * WORKLOADS ? alertOf(j % WORKLOADS, `group-${g}-${Math.floor(j / WORKLOADS)}`) : foreign(j, `group-${g}`),
  );

/** What Alertmanager sends of incidents that are there: mostly what is known; one in ten says something new. */
export const known = (perSecond: number, seconds: number): Delivery[] =>
  Array.from({ length: perSecond * seconds }, (_, n): Delivery => {
    const i = (n * 7) % WORKLOADS;
    const alert = n % 10 === 0 ? alertOf(i, `late-${n}`) : alertOf(i, 'pod-3');
    return { at: (n * 1000) / perSecond, alertmanager: n % 2 === 0 ? 0 : 1, alerts: [alert] };
  });

/** How often a delivery says something new of an incident. What both Alertmanagers say, and what is said again, is not. */
export const newsOf = (deliveries: readonly Delivery[]): number => {
  const said = new Map<string, string>();
  let news = 0;
  for (const { alerts } of deliveries) {
    const about = new Set<string>();
    for (const { workload, labels, status } of alerts) {
      if (workload === undefined) continue;
      const key = `${workload} ${labels.pod}`;
      // What is over is not begun again by a firing that was sent before.
      if (said.get(key) !== status && said.get(key) !== 'resolved') about.add(workload);
      if (said.get(key) !== 'resolved') said.set(key, status);
    }
    news += about.size;
  }
  return news;
};
