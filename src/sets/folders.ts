import { unlessAborted } from '../abort.ts';
import { gitSyncSpec } from '../api/gitsync.ts';
import type { GitSyncSet } from '../api/gitsyncset.ts';
import type { Clock } from '../clock.ts';
import type { GitRoom } from '../git/index.ts';
import { hashOf } from '../snapshot/index.ts';
import { intervalOf } from '../source/backoff.ts';
import type { Credentials } from '../source/credentials.ts';
import { sourceOf } from '../source/source-of.ts';
import { idOf } from './types.ts';

export interface FolderReader {
  /**
   * The folders that the set's pattern matches. Asks the server once in the set's interval, or after `ask`; else what is
   * known is the answer. Rejects with GitError or SyncError when the repository can't be read.
   */
  read(set: GitSyncSet): Promise<{ revision: string; folders: readonly string[] }>;
  /** The next `read` asks the server. */
  ask(set: { namespace: string; name: string }): void;
  /** Milliseconds until `read` would ask. */
  dueIn(set: GitSyncSet): number;
  forget(set: { namespace: string; name: string }): void;
}

interface Known {
  /** Of the generator: another pattern is another question. */
  question: string;
  askedAt: number;
  revision: string;
  commit: string;
  folders: readonly string[];
}

export const createFolderReader = (ports: {
  credentials: Credentials;
  git: GitRoom;
  clock: Clock;
  /** Ends what hangs. */
  signal: AbortSignal;
}): FolderReader => {
  const { credentials, git, clock, signal } = ports;
  const memory = new Map<string, Known>();
  const asked = new Set<string>();

  const dueIn = ({ metadata, spec }: GitSyncSet): number => {
    const known = memory.get(idOf(metadata));
    const fresh = known?.question === hashOf(spec.generator.folders) && !asked.has(idOf(metadata));
    return fresh ? Math.max(0, known.askedAt + intervalOf({ spec }) - clock.now()) : 0;
  };

  const look = async (set: GitSyncSet, known: Known | undefined): Promise<Known> => {
    const { pattern = '', exclude = [], url, ref, secretRef } = set.spec.generator.folders ?? {};
    const question = hashOf(set.spec.generator.folders);
    const askedAt = clock.now();
    // Read exactly as a GitSync of this repository in this namespace would read it.
    const spec = gitSyncSpec.parse({ url, ref, ...(secretRef === undefined ? {} : { secretRef }) });
    const source = {
      ...(await sourceOf({ ...set, spec, status: {} }, credentials)),
      tenant: set.metadata.namespace ?? '',
    };
    const { revision, commit } = await git.resolve(source, { signal });
    const same = known?.question === question && known.commit === commit;
    const folders = same ? known.folders : await (await git.open(source, commit, { signal })).folders(pattern, exclude);
    return { question, askedAt, revision, commit, folders };
  };

  return {
    async read(set) {
      const key = idOf(set.metadata);
      const known = memory.get(key);
      if (known && dueIn(set) > 0) return known;
      const wasAsked = asked.delete(key); // a push that comes from here on is another question
      try {
        const found = await unlessAborted(signal, look(set, known));
        memory.set(key, found);
        return found;
      } catch (error) {
        if (wasAsked) asked.add(key);
        throw error;
      }
    },
    ask: (set) => void asked.add(idOf(set)),
    dueIn,
    forget(set) {
      memory.delete(idOf(set));
      asked.delete(idOf(set));
    },
  };
};
