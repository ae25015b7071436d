import { createHash } from 'node:crypto';
import { unlessAborted } from '../abort.ts';
import type { GitSync } from '../api/gitsync.ts';
import { keyOfSync } from '../api/gitsync-names.ts';
import type { ChartSpec } from '../api/helm-spec.ts';
import { ReasonError } from '../api/reason-error.ts';
import type { Reason } from '../api/reasons.ts';
import { createByteCache } from '../byte-cache.ts';
import type { Clock } from '../clock.ts';
import { createAgents } from '../http/agents.ts';
import { authorizationOf } from '../http/outgoing.ts';
import { createWorkQueue, KubeError } from '../kube/index.ts';
import type { ChartArchive } from '../render/index.ts';
import { fetchTimeoutOf, intervalOf, retryIn, withJitter } from '../source/backoff.ts';
import type { Credentials } from '../source/credentials.ts';
import type { ArchiveStore } from './archive-store.ts';
import type { Found } from './found.ts';
import { CHART_LIMITS } from './limits.ts';
import { findInRegistry } from './registry.ts';
import { findInRepository, type KnownIndex } from './repository.ts';
import { createWeb } from './web.ts';

export interface Charts {
  /**
   * Of a GitSync whose chart is not in its source: the newest version, or why nobody knows it; 'unknown' before the first
   * answer, which the GitSync hears of.
   */
  chart(sync: GitSync): ChartArchive | ReasonError | 'unknown';
  /**
   * What an earlier process applied last, where its archive is here still; undefined otherwise. For as long as the repository
   * does not answer.
   */
  before(sync: GitSync): Promise<ChartArchive | undefined>;
  /** Asks the repository now, where the chart is in one. */
  refresh(sync: GitSync): void;
  /** Ends the looks that are under way. */
  stop(): Promise<void>;
}

export interface ChartsPorts {
  credentials: Pick<Credentials, 'read' | 'onChange'>;
  clock: Clock;
  random: () => number;
  /** Archives of earlier processes; nothing is kept for a later one where it is not given. */
  store?: ArchiveStore | undefined;
  /** GitSyncs with this key, see `chartKey`, that may sync. */
  usersOf(key: string): GitSync[];
  /** Throws ReasonError for a URL that the platform does not let this GitSync read. */
  refuse(sync: GitSync, url: string): void;
  /** @param tenant the namespace of the GitSync: namespaces take turns */
  documentsOf(text: string, file: string, tenant: string): Promise<unknown[]>;
  onChange(sync: string): void;
  onError(error: unknown, repository: string): void;
  /** Notes an error that nobody foresaw, and gives the words for it. */
  onUnforeseen(error: unknown, repository: string): string;
}

interface Followed {
  key: string;
  spec: ChartSpec;
  /** `namespace/name` of its credentials. */
  secret: string | undefined;
  chart?: ChartArchive;
  problem?: ReasonError;
  failures: number;
  known: { index?: KnownIndex | undefined };
}

interface Archive {
  sha256: string;
  content: Buffer;
}

/**
 * While the chart that was chosen is downloaded once more: what a server sends instead, such as the page of a proxy, is no
 * fault of the commit, which would never be tried again.
 */
const asUnreachable = (error: unknown): unknown =>
  error instanceof ReasonError && OF_WHAT_WAS_SENT.has(error.code)
    ? new ReasonError('RepositoryUnreachable', `${error.message}; it is tried again`, error)
    : error;

const OF_WHAT_WAS_SENT: ReadonlySet<Reason> = new Set(['ChartRefused', 'InvalidYAML', 'ManifestTooLarge']);

const labelOf = ({ name, repository }: ChartSpec, version: string): string => `${name} ${version} of ${repository}`;

/** One look at the repository serves all GitSyncs of a namespace that render the same chart in the same range. */
export const chartKey = ({ metadata, spec }: GitSync): string | undefined => {
  const { repository, name, version, secretRef } = spec.render?.helm?.chart ?? {};
  return name && JSON.stringify([metadata.namespace, repository, name, version, secretRef?.name ?? null]);
};

/**
 * Charts of repositories and registries. Each is asked for at the interval of the GitSyncs that render it, in workers of its
 * own: a server that hangs delays nobody's reconcile. Archives are kept in memory by what they hold, and downloaded
 * again when they gave way to others.
 */
export const createCharts = (ports: ChartsPorts): Charts => {
  const { clock, credentials, random, store } = ports;
  const followed = new Map<string, Followed>();
  /** By namespace, too: who knows the digest of a neighbour's chart does not have the chart. */
  const archives = createByteCache<Buffer>(CHART_LIMITS.archivesBytes);
  const agents = createAgents();
  const stopped = new AbortController();

  /** The version that the repository has now. */
  const find = async ({ spec, known }: Followed, sync: GitSync): Promise<Found> => {
    const { namespace = '' } = sync.metadata;
    const secret = spec.secretRef && (await credentials.read({ namespace, name: spec.secretRef.name }));
    const web = createWeb({
      agent: agents.of(secret),
      signal: stopped.signal,
      deadline: AbortSignal.timeout(CHART_LIMITS.lookMs),
      timeoutMs: fetchTimeoutOf(sync),
      refuse: (url) => ports.refuse(sync, url),
    });
    const authorization = authorizationOf(secret);
    const documentsOf = (text: string, file: string) => ports.documentsOf(text, file, namespace);
    return spec.repository.startsWith('oci:')
      ? findInRegistry(spec, { web, authorization })
      : findInRepository(spec, { web, authorization, known, documentsOf });
  };

  const archiveOf = async (found: Found, { spec, key }: Followed, namespace: string): Promise<Archive> => {
    const kept = found.sha256 === undefined ? undefined : archives.get(`${namespace} ${found.sha256}`);
    if (kept && found.sha256 !== undefined) return { sha256: found.sha256, content: kept };
    const content = await found.download();
    const sha256 = createHash('sha256').update(content).digest('hex');
    if (found.sha256 !== undefined && found.sha256 !== sha256) {
      const what = labelOf(spec, found.version);
      throw new ReasonError('ChartRefused', `${what} has the digest ${sha256}, and should have ${found.sha256}`);
    }
    archives.set(`${namespace} ${sha256}`, content, content.length);
    await store?.keep({ tenant: namespace, chart: key, sha256 }, content);
    return { sha256, content };
  };

  const update = async (of: Followed, sync: GitSync): Promise<void> => {
    const { spec } = of;
    const { namespace = '' } = sync.metadata;
    const isKnown = (version: string, sha256: string | undefined): boolean =>
      of.chart?.digest === `sha256:${sha256}` && of.chart.version === version;
    const found = await unlessAborted(stopped.signal, find(of, sync));
    // What gave way in memory is downloaded when somebody renders it.
    if (isKnown(found.version, found.sha256)) return;
    const { sha256 } = await unlessAborted(stopped.signal, archiveOf(found, of, namespace));
    if (isKnown(found.version, sha256)) return;
    of.chart = {
      label: labelOf(spec, found.version),
      version: found.version,
      digest: `sha256:${sha256}`,
      read: () => readAgain(of, sync, sha256),
    };
  };

  /** The archive that was chosen: from memory, from the disk, or downloaded once more. */
  const readAgain = async (of: Followed, sync: GitSync, sha256: string): Promise<Buffer> => {
    const { key, spec } = of;
    const { namespace = '' } = sync.metadata;
    const kept =
      archives.get(`${namespace} ${sha256}`) ?? (await store?.read({ tenant: namespace, chart: key, sha256 }));
    if (kept) return kept;
    const download = async (): Promise<Archive> => archiveOf(await find(of, sync), of, namespace);
    const again = await unlessAborted(stopped.signal, download()).catch((error: unknown) => {
      throw asUnreachable(error);
    });
    if (again.sha256 === sha256) return again.content;
    queue.add(key);
    const what = `${spec.name} of ${spec.repository} has changed meanwhile`;
    throw new ReasonError('RepositoryUnreachable', `${what}; it is tried again`);
  };

  const problemOf = (error: unknown, { repository }: ChartSpec): ReasonError => {
    if (error instanceof KubeError) throw error; // nobody knows what the Secret says: tried again
    if (error instanceof ReasonError) return error;
    return new ReasonError('InternalError', ports.onUnforeseen(error, repository));
  };

  const look = async (key: string): Promise<number | undefined> => {
    const of = followed.get(key);
    const [first, ...others] = ports.usersOf(key);
    if (!of || !first) {
      followed.delete(key);
      return undefined;
    }
    const interval = Math.min(...[first, ...others].map(intervalOf));
    const before = { ...of };
    try {
      await update(of, first);
      delete of.problem;
      of.failures = 0;
    } catch (error) {
      if (stopped.signal.aborted) return undefined;
      of.problem = problemOf(error, of.spec);
      of.failures += 1;
    }
    if (of.chart !== before.chart || of.problem?.message !== before.problem?.message)
      for (const sync of ports.usersOf(key)) ports.onChange(keyOfSync(sync));
    return of.problem ? retryIn(of.failures, interval, random) : withJitter(interval, random);
  };

  const queue = createWorkQueue({
    ...CHART_LIMITS.looks,
    groupOf: (key) => String((JSON.parse(key) as unknown[])[0]),
    hostOf: (key) => URL.parse(followed.get(key)?.spec.repository ?? '')?.host ?? '',
    clock,
    random,
    maxBackoffMs: 60_000,
    onError: (key, error) => ports.onError(error, followed.get(key)?.spec.repository ?? ''),
    worker: look,
  });
  credentials.onChange(({ namespace, name }) => {
    for (const [key, { secret }] of followed) if (secret === `${namespace}/${name}`) queue.add(key);
  });

  const follow = (sync: GitSync): { key: string; of: Followed } => {
    const key = chartKey(sync);
    const spec = sync.spec.render?.helm?.chart;
    if (key === undefined || !spec) throw new TypeError('the chart is in the source');
    const known = followed.get(key);
    if (known) return { key, of: known };
    const secret = spec.secretRef && `${sync.metadata.namespace}/${spec.secretRef.name}`;
    const of: Followed = { key, spec, secret, failures: 0, known: {} };
    followed.set(key, of);
    queue.add(key);
    return { key, of };
  };

  return {
    chart(sync) {
      const { of } = follow(sync);
      return of.problem ?? of.chart ?? 'unknown';
    },
    async before(sync) {
      const { version, digest } = sync.status?.appliedChart ?? {};
      const [, sha256] = /^sha256:([0-9a-f]{64})$/.exec(digest ?? '') ?? [];
      const spec = sync.spec.render?.helm?.chart;
      const key = chartKey(sync);
      if (!store || !spec || key === undefined || version === undefined || !digest || sha256 === undefined)
        return undefined;
      const kept = { tenant: sync.metadata.namespace ?? '', chart: key, sha256 };
      if (!(await store.read(kept))) return undefined;
      const label = labelOf(spec, version);
      return {
        label,
        version,
        digest,
        async read() {
          const content = await store.read(kept);
          if (content) return content;
          throw new ReasonError('RepositoryUnreachable', `${label} is no longer on this disk; it is asked for again`);
        },
      };
    },
    refresh(sync) {
      if (sync.spec.render?.helm?.chart) queue.add(follow(sync).key);
    },
    async stop() {
      stopped.abort(new Error('no longer the leader'));
      await queue.stop();
      await agents.close();
    },
  };
};
