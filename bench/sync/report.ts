import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { barChart, lineChart } from '../plot.ts';
import { round } from '../statistics.ts';

export type Figures = Record<string, number>;
export interface Sample {
  minute: number;
  mib: number;
}

/** At most so much. */
const TARGETS: Readonly<Figures> = {
  'firstSyncRatio.n1000': 1.5,
  'firstSyncRatio.objects5000': 1.5,
  'requestsPerObject.first': 2.0,
  'requestsPerObject.noop': 0,
  noopCpuSeconds: 1.0,
  'noopSeconds.objects5000': 0.5,
  'pushToAppliedMs.p95': 500,
  'driftMs.p95': 300,
  'memoryMiB.n1000': 256,
  'memoryMiB.objects5000': 320,
  'restart.requestsPerObject': 0.05,
  'restart.cpuSeconds': 5,
  'restart.seconds': 10,
  growth: 11,
  soakGrowth: 1.1,
};

/** The worst over all N where a figure is one for all of them. */
export const summed = (measured: Figures): Figures => {
  const over = (prefix: string): number[] =>
    Object.entries(measured)
      .filter(([name]) => name.startsWith(`${prefix}.n`))
      .map(([, value]) => value);
  const figures: Figures = { ...measured };
  for (const prefix of ['requestsPerObject.first', 'requestsPerObject.noop', 'noopCpuSeconds']) {
    if (over(prefix).length > 0) figures[prefix] = Math.max(...over(prefix));
  }
  const [small, large] = [measured['firstSyncSeconds.n100'], measured['firstSyncSeconds.n1000']];
  if (small !== undefined && large !== undefined) figures.growth = round(large / small, 2);
  return figures;
};

export const tableOf = (figures: Figures): string => {
  const rows = Object.entries(figures)
    .toSorted(([a], [b]) => (a < b ? -1 : 1))
    .map(([name, value]) => {
      const target = TARGETS[name];
      const verdict = target === undefined ? '' : `≤ ${target}`.padEnd(10) + (value <= target ? 'met' : 'MISSED');
      return `  ${name.padEnd(32)} ${String(value).padStart(10)}  ${verdict}`;
    });
  return ['figures, and targets where there are some', ...rows].join('\n');
};

/**
 * What the peers took for the same workload on a machine of the same size, measured apart from this bench:
 * Flux (kustomize-controller 1.9.4, source-controller 1.9.1) and Argo CD 3.5.1. N = 100 and 500.
 */
const PEERS: Readonly<Record<string, Readonly<Record<string, number>>>> = {
  Flux: { n100: 18, n500: 93, n1000: 163 },
  'Argo CD': { n100: 32, n500: 152 },
};

const DOCS = join(import.meta.dirname, '../../docs/bench');

/** Paths of what was drawn. */
export const drawPlots = (figures: Figures, samples: readonly Sample[]): string[] => {
  mkdirSync(DOCS, { recursive: true });
  const drawn: string[] = [];
  const draw = (name: string, svg: string): void => {
    writeFileSync(join(DOCS, name), svg);
    drawn.push(`docs/bench/${name}`);
  };
  const sizes = ['n100', 'n500', 'n1000'].filter((n) => figures[`firstSyncSeconds.${n}`] !== undefined);
  if (sizes.length > 0) {
    draw(
      'first-sync.svg',
      barChart({
        title: 'First sync of N GitSyncs of four objects',
        subtitle: 'until all are Ready; peers measured on a machine of the same size',
        unit: 's',
        groups: sizes.map((n) => ({
          label: n.replace('n', 'N = '),
          bars: [
            { series: 'bare client loop', value: figures[`bareLoopSeconds.${n}`] ?? Number.NaN },
            { series: 'metricops', value: figures[`firstSyncSeconds.${n}`] ?? Number.NaN },
            ...Object.entries(PEERS).flatMap(([series, values]) =>
              values[n] === undefined ? [] : [{ series, value: values[n] }],
            ),
          ],
        })),
      }),
    );
  }
  if (samples.length > 0) {
    draw(
      'soak.svg',
      lineChart({
        title: 'Memory while a commit comes every two seconds',
        subtitle: 'working set of the controller, 100 GitSyncs of five objects',
        xLabel: 'minutes',
        yLabel: 'MiB',
        series: [{ name: 'working set', points: samples.map(({ minute, mib }) => [minute, mib] as const) }],
      }),
    );
  }
  return drawn;
};
