/**
 * What one repository, server or tenant may cost, and all of them together. Every bound of this room is in this file.
 *
 * | limit | default | why |
 * |---|---|---|
 * | `lookMs` | 30 s | one small answer; longer is a server that hangs, whatever spec.timeout says |
 * | `fetchMs` | 5 min | 100 MB at 3 Mbit/s |
 * | `refsBytes` | 32 MB | some 500,000 branches and tags; read as a stream, only the wanted ones are kept |
 * | `refs` | 50,000 | that are kept, where all of the history is fetched |
 * | `fetchBytes` | 100 MB | one answer on the wire; it goes to disk as it comes |
 * | `fetches`, `fetchesPerTenant`, `fetchesPerHost` | 8, 4, 2 | at a time: of all, of one tenant, of one tenant from one host; what comes over in flight is at most 800 MB of disk |
 * | `ssh`, `sshPerTenant` | 8, 4 | programs of SSH at a time, in each of both threads, and of one tenant: some 3 MiB each |
 * | `objects` | 1,000,000 | in one pack: 37 bytes each while it is indexed, 24 in the index |
 * | `namedDeltas` | 100,000 | in one pack, deltas that name their base: of thin packs, and of servers that know no offsets |
 * | `fileBytes` | 8 MiB | an object that is inflated into memory: a manifest, a chart, a folder's list. Larger ones stay packed |
 * | `expandedBytes` | 512 MB | that a pack may make in all, deltas applied: some 3 s of CPU. kubernetes/kubernetes has 300 MB |
 * | `historyBytes` | 2 GB | the same of all of the history, which is fetched for a commit that no ref names |
 * | `freeBytes`, `amplification` | 100 MB, 100 | and no more than 100 MB and 100 times the bytes of the pack: who wants CPU has to send for it |
 * | `chain` | 50 | deltas on deltas: what `git pack-objects` writes by default |
 * | `baseBytes` | 16 MiB | inflated bases of deltas that are kept while a pack is indexed |
 * | `generationPacks`, `generationBytes` | 100, 300 MB | packs are never merged: above this a mirror is fetched afresh, beside the old generation |
 * | `mirrorsBytes` | 3 GiB | of all mirrors on disk; the volume has 4 GiB, the rest is for fetches in flight |
 * | `unclaimedMs` | 1 h | for which what a former process left on disk is kept until a source asks for it |
 * | `healMs` | 10 min | between two fresh fetches of one damaged mirror: a server that sends broken packs costs no more than that |
 * | `indexBytes` | 24 MiB | indexes of packs in memory, of all mirrors: one of a million objects fits |
 * | `foldersBytes` | 32 MiB | parsed folders in memory, of all mirrors |
 * | `reads` | 2 | walks and texts at a time: each holds at most what its caller takes (`maxBytes`) |
 * | `writtenBytes` | 256 MiB | of disk, for the copy that kustomize or Helm reads: 4 KiB at least for each file, folder and symlink |
 * | `entries`, `depth`, `links` | 200,000, 100, 8 | of one walk, and of all walks for one copy: a few tree objects that hold each other many times make billions |
 * | `ignoreRules` | 1,000 | patterns of all .sourceignore on the way to a folder, and of spec.ignore |
 * | `ignoreSteps` | 100,000,000 | of comparing names with them, in one walk: some 3 s of CPU, in turns with others |
 * | `ignoreStepsOfName` | 1,000,000 | of one name, during which nobody else has a turn: some 30 ms |
 * | `heapMb` | 128 | V8's part of the thread that reads: folders, and the texts of as many reads |
 * | `fetchHeapMb` | 48 | V8's part of the thread that fetches: what it indexes lies in buffers |
 */
export const defaultLimits = {
  lookMs: 30_000,
  fetchMs: 300_000,
  refsBytes: 32_000_000,
  refs: 50_000,
  fetchBytes: 100_000_000,
  fetches: 8,
  fetchesPerTenant: 4,
  fetchesPerHost: 2,
  ssh: 8,
  sshPerTenant: 4,
  objects: 1_000_000,
  namedDeltas: 100_000,
  fileBytes: 8 * 1024 * 1024,
  expandedBytes: 512_000_000,
  freeBytes: 100_000_000,
  amplification: 100,
  historyBytes: 2_000_000_000,
  chain: 50,
  baseBytes: 16 * 1024 * 1024,
  generationPacks: 100,
  generationBytes: 300_000_000,
  mirrorsBytes: 3 * 1024 ** 3,
  unclaimedMs: 3_600_000,
  healMs: 600_000,
  indexBytes: 24 * 1024 * 1024,
  foldersBytes: 32 * 1024 * 1024,
  reads: 2,
  writtenBytes: 256 * 1024 * 1024,
  entries: 200_000,
  depth: 100,
  links: 8,
  ignoreRules: 1_000,
  ignoreSteps: 100_000_000,
  ignoreStepsOfName: 1_000_000,
  heapMb: 128,
  fetchHeapMb: 48,
};

export type GitLimits = typeof defaultLimits;

/** For messages: 8388608 → "8.4 MB". */
export const megabytes = (bytes: number): string => `${Number((bytes / 1e6).toFixed(bytes < 1e7 ? 1 : 0))} MB`;

/** Timers take whole milliseconds of 32 bits; what is longer would fire at once. */
export const withinMs = (wantedMs: number, limitMs: number): number =>
  Math.max(1, Math.ceil(Number.isNaN(wantedMs) ? limitMs : Math.min(wantedMs, limitMs)));
