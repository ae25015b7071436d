import { randomUUID } from 'node:crypto';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { mkdir, readdir, rename, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { ReasonError } from '../api/reason-error.ts';
import type { GitRef } from '../api/source.ts';
import { isDamaged } from './errors.ts';
import type { GitLimits } from './limits.ts';
import { type Objects, PACKS } from './objects.ts';
import { listRefs, type PackRequest, type Remote, requestPack } from './protocol.ts';
import { type ReceivePorts, receivePack, storing, writeDurably } from './receive.ts';

// A mirror is a folder with a folder for each generation, of which the newest counts. A generation only grows; the next
// one is fetched beside it and takes its place when it is whole, so that readers of the old one go on.

export interface MirrorPorts extends Omit<ReceivePorts, 'external'> {
  limits: GitLimits;
  remote: Remote;
  objectsAt(gitdir: string): Objects;
}

/** The commits that we announce to the server as ours (have, shallow). */
interface Had {
  /** Newest first; of some of them the parents are missing. */
  tips: string[];
  shallow: string[];
  /** Commits that are here with all that came before. */
  complete: string[];
}

const NOTHING: Had = { tips: [], shallow: [], complete: [] };
const HAD = 'had.json';
const UNFINISHED = 'unfinished-';
/** More of them make a request long, and a pack hardly smaller. */
const MAX_TIPS = 16;

/**
 * Of history: nothing but the commit, and where the branch moved on since somebody asked, a little of what came before.
 */
const DEPTHS = [1, 20];

/** What is read of a source: the commit, and the tag whose signature is verified. */
export const wantedObjects = (commit: string, tagObject: string | null | undefined): string[] =>
  tagObject ? [commit, tagObject] : [commit];

/** The folder in which the objects can be read; undefined when they have to be fetched. Throws RepositoryDamaged. */
export const locate = (
  dir: string,
  oids: readonly string[],
  objectsAt: MirrorPorts['objectsAt'],
): string | undefined => {
  const generation = newest(dir);
  if (generation === undefined) return undefined;
  const gitdir = join(dir, String(generation));
  const objects = objectsAt(gitdir);
  if (!oids.every(objects.has)) return undefined;
  for (const oid of oids) objects.read(oid);
  return gitdir;
};

/** Branches and tags that were fetched last, newest first: commits and tag objects. */
export const tipsOf = (gitdir: string): readonly string[] => readHad(gitdir).tips;

export interface Wanted {
  ref: GitRef;
  commit: string;
  tagObject?: string | null | undefined;
}

/**
 * The same after it was fetched. Only one thread may do so, and only once at a time for one mirror.
 * @param spoiled a generation that turned out to be damaged: the commit is fetched into another one
 */
export const fetchCommit = async (
  dir: string,
  { spoiled, ...wanted }: Wanted & { spoiled?: string | undefined },
  ports: MirrorPorts,
): Promise<string> => {
  await clear(dir);
  const current = join(dir, String(newest(dir) ?? 0));
  if (current !== spoiled && !(await isFull(current, ports.limits))) {
    const before = readHad(current);
    try {
      return await fetchInto(current, wanted, ports);
    } catch (error) {
      // With what was here: a merge can bring a long history, or what was here is damaged. Then it starts without it,
      // once.
      const isTooLarge = error instanceof ReasonError && error.code === 'RepositoryTooLarge';
      if (!isDamaged(error) && !(isTooLarge && before !== NOTHING)) throw error;
    }
  }
  return replaceBy(dir, async (fresh) => void (await fetchInto(fresh, wanted, ports)));
};

const clear = async (dir: string): Promise<void> => {
  await storing(() => mkdir(dir, { recursive: true }));
  for (const name of await readdir(dir)) {
    if (name.startsWith(UNFINISHED)) await rm(join(dir, name), { recursive: true, force: true });
  }
};

const isFull = async (gitdir: string, { generationPacks, generationBytes }: GitLimits): Promise<boolean> => {
  const packs = existsSync(join(gitdir, PACKS)) ? await readdir(join(gitdir, PACKS)) : [];
  return packs.length >= generationPacks * 2 || (await bytesBelow(gitdir)) > generationBytes;
};

/** The one before the one that is replaced has no readers any more. */
const replaceBy = async (dir: string, fill: (fresh: string) => Promise<void>): Promise<string> => {
  const fresh = join(dir, UNFINISHED + randomUUID());
  try {
    await storing(() => mkdir(fresh));
    await fill(fresh);
    const last = newest(dir) ?? 0;
    await removeBefore(dir, last);
    const gitdir = join(dir, String(last + 1));
    await rename(fresh, gitdir);
    return gitdir;
  } finally {
    await rm(fresh, { recursive: true, force: true });
  }
};

const fetchInto = async (gitdir: string, { ref, commit, tagObject }: Wanted, ports: MirrorPorts): Promise<string> => {
  const { remote } = ports;
  const objects = ports.objectsAt(gitdir);
  const name = fullName(ref);
  const isWanted = (n: string): boolean =>
    name === undefined ? /^refs\/(heads|tags)\/.*(?<!\^\{\})$/.test(n) : n === name;
  const { refs, capabilities } = await listRefs(remote, isWanted);
  const tip = name === undefined ? undefined : refs.get(name);
  for (const depth of tip === undefined ? [] : DEPTHS) {
    if (wantedObjects(commit, tagObject).every(objects.has)) break;
    await take(gitdir, { wants: [tip ?? ''], capabilities, depth }, ports);
  }
  // Every branch and tag with all that came before: the only way to a commit that no ref names.
  if (!objects.has(commit)) {
    const all =
      name === undefined ? refs : (await listRefs(remote, (n) => /^refs\/(heads|tags)\/.*(?<!\^\{\})$/.test(n))).refs;
    if (all.size > 0) await take(gitdir, { wants: [...new Set(all.values())], capabilities }, ports);
  }
  if (objects.has(commit)) return gitdir;
  throw new ReasonError('RefNotFound', `commit ${commit} is not reachable from a branch or tag of ${remote.url}`);
};

type Asked = Pick<PackRequest, 'wants' | 'capabilities' | 'depth'>;

const take = async (gitdir: string, wanted: Asked, ports: MirrorPorts): Promise<void> => {
  const had = readHad(gitdir);
  const whole = wanted.depth === undefined;
  // When all of the history is fetched, only complete generations are announced: the server would leave out older
  // commits.
  const haves = whole ? had.complete : [...new Set([...had.tips, ...had.complete])];
  const shallow = whole ? [] : had.shallow;
  const answer = await requestPack(ports.remote, { ...wanted, haves, shallow });
  const objects = ports.objectsAt(gitdir);
  const external = async (oid: string) => (objects.has(oid) ? objects.read(oid) : undefined);
  const { limits } = ports;
  const expandedBytes = whole ? limits.historyBytes : limits.expandedBytes;
  await receivePack(gitdir, answer.pack, { ...ports, limits: { ...limits, expandedBytes }, external });
  const now = whole
    ? { ...had, complete: [...wanted.wants] }
    : {
        ...had,
        tips: [...new Set([...wanted.wants, ...had.tips])].slice(0, MAX_TIPS),
        shallow: [...new Set([...answer.shallow, ...had.shallow])],
      };
  await storing(() => writeDurably(join(gitdir, HAD), JSON.stringify(now)));
};

/** Commits that can't be read are not announced: the server then sends more than necessary. */
const readHad = (gitdir: string): Had => {
  try {
    const { tips, shallow, complete } = JSON.parse(readFileSync(join(gitdir, HAD), 'utf8')) as Partial<Had>;
    const isList = (list: unknown): list is string[] => Array.isArray(list) && list.every((e) => typeof e === 'string');
    return isList(tips) && isList(shallow) && isList(complete) ? { tips, shallow, complete } : NOTHING;
  } catch {
    return NOTHING;
  }
};

/** In full: a branch and a tag may have the same name. */
export const fullName = (ref: GitRef): string | undefined => {
  if (ref.commit !== undefined) return undefined;
  return ref.tag === undefined ? `refs/heads/${ref.branch}` : `refs/tags/${ref.tag}`;
};

const generations = (dir: string): number[] =>
  existsSync(dir)
    ? readdirSync(dir)
        .filter((name) => /^\d+$/.test(name))
        .map(Number)
        .sort((a, b) => a - b)
    : [];

const newest = (dir: string): number | undefined => generations(dir).at(-1);

const removeBefore = async (dir: string, generation: number): Promise<void> => {
  for (const old of generations(dir)) {
    if (old < generation) await rm(join(dir, String(old)), { recursive: true, force: true });
  }
};

/** Generations that another one has replaced, and what was never finished. */
export const removeReplaced = async (dir: string): Promise<void> => {
  await clear(dir);
  await removeBefore(dir, newest(dir) ?? 0);
};

/** On disk, in bytes. */
export const bytesBelow = async (dir: string): Promise<number> => {
  let bytes = 0;
  for (const entry of await readdir(dir, { recursive: true, withFileTypes: true }).catch(() => [])) {
    if (entry.isFile()) bytes += (await stat(join(entry.parentPath, entry.name)).catch(() => undefined))?.size ?? 0;
  }
  return bytes;
};
