import { unlessAborted } from '../abort.ts';
import type { FoldersGenerator, GitSyncSet } from '../api/gitsyncset.ts';
import type { Clock } from '../clock.ts';
import { hashOf } from '../snapshot/index.ts';
import { intervalOf } from '../source/backoff.ts';
import { writtenSource } from '../source/members.ts';
import type { SourcePorts } from '../source/types.ts';
import { idOf, type SyncName } from './types.ts';

export interface FolderReader {
  /**
   * The folders that the pattern of this generator matches. Asks the server once in the set's interval, or after `ask`;
   * else what is known is the answer. Rejects with ReasonError when the repository can't be read.
   */
  read(set: GitSyncSet, generator: FoldersGenerator): Promise<FoldersFound>;
  /** The next `read` asks the server. */
  ask(set: SyncName): void;
  /** Milliseconds until a `read` would ask again; undefined for a set of which nothing was read. */
  dueIn(set: GitSyncSet): number | undefined;
  forget(set: SyncName): void;
}

export interface FoldersFound {
  /** ref@commit. */
  revision: string;
  folders: readonly string[];
}

interface Known extends FoldersFound {
  askedAt: number;
  /** How often somebody had asked until then: a push that comes while the server answers is another question. */
  asks: number;
  /** Of the version that they are of. */
  id: string;
}

/** As for a GitSync that names no timeout. */
const TIMEOUT_MS = 300_000;

export interface FolderReaderPorts extends SourcePorts {
  clock: Clock;
  /** Ends what hangs. */
  signal: AbortSignal;
}

export const createFolderReader = (ports: FolderReaderPorts): FolderReader => {
  const { clock, signal } = ports;
  /** By set, and by generator: another pattern is another question. */
  const memory = new Map<string, Map<string, Known>>();
  const asks = new Map<string, number>();

  const knownOf = (set: GitSyncSet, generator: FoldersGenerator): Known | undefined =>
    memory.get(idOf(set.metadata))?.get(hashOf(generator));

  const dueAfter = (set: GitSyncSet, known: Known): number =>
    known.asks === (asks.get(idOf(set.metadata)) ?? 0) ? Math.max(0, known.askedAt + intervalOf(set) - clock.now()) : 0;

  const remember = (set: GitSyncSet, generator: FoldersGenerator, found: Known): void => {
    const asked = new Set(generatorsOf(set).map((each) => hashOf(each)));
    const before = [...(memory.get(idOf(set.metadata)) ?? [])].filter(([question]) => asked.has(question));
    memory.set(idOf(set.metadata), new Map([...before, [hashOf(generator), found]]));
  };

  /** As a GitSync of this source in this namespace reads it. */
  const look = async (set: GitSyncSet, generator: FoldersGenerator, known: Known | undefined): Promise<Known> => {
    const started = { askedAt: clock.now(), asks: asks.get(idOf(set.metadata)) ?? 0 };
    const namespace = set.metadata.namespace ?? '';
    const reader = { namespace, timeoutMs: TIMEOUT_MS, tenant: namespace };
    const source = await writtenSource(generator.source).connect(reader, ports);
    const { revision, id } = await source.resolve({ signal });
    if (known?.id === id) return { ...known, ...started, revision };
    const tree = await source.open(id, { signal });
    return { ...started, revision, id, folders: await tree.folders(generator.pattern, generator.exclude) };
  };

  return {
    async read(set, generator) {
      const known = knownOf(set, generator);
      if (known && dueAfter(set, known) > 0) return known;
      const found = await unlessAborted(signal, look(set, generator, known));
      remember(set, generator, found);
      return found;
    },
    ask: (set) => void asks.set(idOf(set), (asks.get(idOf(set)) ?? 0) + 1),
    dueIn(set) {
      const known = generatorsOf(set).flatMap((generator) => knownOf(set, generator) ?? []);
      const due = known.map((each) => dueAfter(set, each));
      return due.length === 0 ? undefined : Math.min(...due);
    },
    forget(set) {
      memory.delete(idOf(set));
      asks.delete(idOf(set));
    },
  };
};

const generatorsOf = ({ spec }: GitSyncSet): FoldersGenerator[] =>
  spec.generators.flatMap(({ folders }) => folders ?? []);
