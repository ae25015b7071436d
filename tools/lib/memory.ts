import { CHART_LIMITS } from '../../src/charts/limits.ts';
import { defaultLimits } from '../../src/git/limits.ts';
import { HEALTH_HEAP_MB } from '../../src/health/thread.ts';
import { LEASE_HEAP_MB } from '../../src/kube/lease-thread.ts';
import { HELM_BOUNDS } from '../../src/render/helm/helm.ts';
import { MAX_BYTES, RENDERS } from '../../src/render/index.ts';
import { KUSTOMIZE_BOUNDS } from '../../src/render/kustomize.ts';
import { PARSER_HEAP_MB } from '../../src/render/parser.ts';
import { ALERT_BODIES, HOOK_BODIES } from '../../src/server/limits.ts';
import { CONNECTIONS, PROBE_CONNECTIONS } from '../../src/server/server.ts';
import { YOUNG_MB } from '../../src/worker/client.ts';
import { TOTAL } from '../../webhook/body-budget.ts';
import { CONNECTIONS as REVIEWS } from '../../webhook/server.ts';

export interface MemoryRow {
  what: string;
  /** MiB when everything is at its bound. */
  worst: number;
  /** MiB of a replica that leads some hundred GitSyncs; a measured or estimated figure. */
  typical: number;
  why: string;
}

const MiB = 1024 * 1024;
const KiB = 1 / 1024;

/** Measured: node itself with its libraries; a thread beside its heap; a connection beside the heap. */
const NODE = 48;
const THREAD = 6;
const PLAIN_CONNECTION = 18 * KiB;
const TLS_CONNECTION = 81 * KiB;
/** Measured: what one ssh program writes to. */
const SSH = 3;
/** Of RLIMIT_DATA, what Go reserves and does not touch: 55 of 224 and of 256, 60 of 320. */
const GO_RESERVE = 54;
/** For each object of a pack while it is indexed, and in its index. */
const INDEXING_BYTES = 34 + 24;
/** The young generation is three semi-spaces. */
const SEMI_SPACES = 3;

/**
 * What the controller's container may take, worst and typical, from the constants of the code.
 * @param heap MB of the main thread: --max-old-space-size and --max-semi-space-size
 */
export const memoryRows = (heap: { old: number; semi: number }): MemoryRow[] => {
  const { objects, namedDeltas, baseBytes, fileBytes, indexBytes, reads, heapMb, fetchHeapMb, ssh } = defaultLimits;
  const texts = MAX_BYTES / MiB;
  const builds = [KUSTOMIZE_BOUNDS, HELM_BOUNDS].map(
    ({ memoryBytes, outputBytes }) => (memoryBytes + outputBytes) / MiB - GO_RESERVE,
  );
  const build = Math.max(...builds);
  const largeParse = PARSER_HEAP_MB.large + YOUNG_MB + texts;
  const { slots } = RENDERS.large;
  const connections =
    (CONNECTIONS.max + PROBE_CONNECTIONS.max) * PLAIN_CONNECTION + (CONNECTIONS.max + REVIEWS.max) * TLS_CONNECTION;
  const indexing = (objects + namedDeltas) * INDEXING_BYTES + baseBytes + 3 * fileBytes;
  return [
    row(
      'main thread, heap',
      heap.old + SEMI_SPACES * heap.semi,
      140,
      '`NODE_OPTIONS` in deploy/controller.yaml: watched objects, GitSyncs, what is planned',
    ),
    row('node itself', NODE, 48, 'program and libraries; measured'),
    row(
      'request bodies',
      (ALERT_BODIES.total + 2 * HOOK_BODIES.total + TOTAL) / MiB,
      1,
      'alerts, hooks proved by a header, signed hooks, admission reviews',
    ),
    row(
      'connections',
      connections,
      4,
      `${CONNECTIONS.max} on each of two listeners, ${REVIEWS.max} of the webhook; 81 KiB each with TLS, 18 without; measured`,
    ),
    row('Git, thread that reads', heapMb + YOUNG_MB, 12, 'folders, and texts of two reads'),
    row('Git, thread that fetches', fetchHeapMb + YOUNG_MB, 6, 'ends after 10 s without work'),
    row(
      'Git, buffers',
      (2 * indexBytes + indexing + 3 * fileBytes) / MiB + reads * texts,
      12,
      'indexes of both threads; one pack of a million objects while it is indexed; objects and texts on their way',
    ),
    row('SSH', 2 * ssh * SSH, 0, `${2 * ssh} programs, half of them for polls; measured`),
    row(
      'YAML, small',
      PARSER_HEAP_MB.quick + YOUNG_MB,
      15,
      'up to 1 MB of manifests; ends after a minute without work',
    ),
    row(
      'two large renders',
      Math.max(slots * build, (slots - 1) * build + largeParse),
      0,
      'two processes of kustomize, Helm or SOPS with their outputs, or one and the thread for large manifests',
    ),
    row(
      'charts',
      (CHART_LIMITS.archivesBytes + CHART_LIMITS.looks.concurrency * 2 * CHART_LIMITS.archiveBytes) / MiB,
      1,
      'archives of charts from elsewhere, and those on their way',
    ),
    row(
      'health expressions',
      HEALTH_HEAP_MB + YOUNG_MB,
      0,
      'only where a GitSync has `healthCheckExprs`; ends after a minute without work',
    ),
    row('Lease', LEASE_HEAP_MB.old + LEASE_HEAP_MB.young, 6, 'the election'),
    row('threads beside their heaps', 6 * THREAD, 18, 'six; measured'),
  ];
};

const row = (what: string, worst: number, typical: number, why: string): MemoryRow => ({
  what,
  worst: Math.ceil(worst),
  typical,
  why,
});

export const sumOf = (rows: readonly MemoryRow[], column: 'worst' | 'typical'): number =>
  rows.reduce((sum, each) => sum + each[column], 0);

/** What the manifest and the image say, in MiB and as flags. */
export const readSizing = (manifest: string, containerfile: string) => {
  const figure = (text: string, pattern: RegExp): number => {
    const [, found] = pattern.exec(text) ?? [];
    if (found === undefined) throw new Error(`nothing matches ${pattern}`);
    return Number(found);
  };
  return {
    limit: figure(manifest, /limits:\s+memory: ([0-9]+)Mi$/m),
    data: 1024 * figure(manifest, /name: data\s+emptyDir:\s+sizeLimit: ([0-9]+)Gi$/m),
    tmp: figure(manifest, /name: tmp\s+emptyDir:\s+sizeLimit: ([0-9]+)Mi$/m),
    old: figure(manifest, /--max-old-space-size=([0-9]+)/),
    semi: figure(containerfile, /AS metricops[\s\S]*?"--max-semi-space-size=([0-9]+)"/),
  };
};
