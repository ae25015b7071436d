import type { GitRef } from '../api/source.ts';

export interface GitCredentials {
  username?: string;
  password?: string;
  /** Sent as a bearer token; wins over username and password. */
  token?: string;
  /** PEM of a private CA. */
  ca?: string;
}

export interface GitSource {
  url: string;
  ref: GitRef;
  credentials?: GitCredentials;
  timeoutMs: number;
  /** Whose share of fetches and disk it counts against: the namespace. The host where there is none. */
  tenant?: string;
}

export interface TreeFile {
  /** From the root of the repository, with /. */
  path: string;
  mode: 'file' | 'symlink';
  oid: string;
}

export interface TreeFolder {
  /** From the root of the repository, which is '.' itself. */
  path: string;
  mode: 'folder';
  oid: string;
}

/** What `GitTree.texts` is asked for. */
export interface TextsWanted {
  /** Names of files: where the folder itself has one of them, no texts are read. */
  unless: readonly string[];
  /** Of the file names, below the folder. */
  pattern: RegExp;
  maxBytes: number;
}

export interface FolderTexts {
  /** Of the folder. */
  oid: string;
  /** One of the files of `unless` is there. */
  found: boolean;
  /** Among the files are symlinks: what they lead to can change while the folder stays the same. */
  links: boolean;
  texts: { file: string; text: string }[];
  /** Of the texts; over maxBytes, the rest was not read. */
  bytes: number;
}

export interface GitTree {
  commit: string;
  /** oid of the folder or file, the same as long as nothing below it changes; undefined when there is none. */
  oid(path: string): Promise<string | undefined>;
  /** The same of many paths, in their order. */
  oids(paths: readonly string[]): Promise<(string | undefined)[]>;
  /** The text files below a folder, in a stable order. */
  texts(path: string, wanted: TextsWanted): Promise<FolderTexts>;
  /** Files below a folder, in a stable order. */
  files(path: string): Promise<TreeFile[]>;
  /**
   * Paths of the folders that a pattern matches (`apps/*`: see glob.ts), in a stable order, without those that a pattern
   * of `exclude` matches and what lies below them.
   */
  folders(pattern: string, exclude: readonly string[]): Promise<string[]>;
  /** What is at a path, symlinks followed; undefined when there is nothing. */
  find(path: string): Promise<TreeFile | TreeFolder | undefined>;
  /** Follows symlinks inside of the repository. */
  read(file: TreeFile): Promise<Uint8Array>;
  /**
   * Writes these folders and files to `dir`, with all that symlinks in them lead to; none may leave the repository.
   * Says whether there were symlinks. Pointers of Git LFS, whose files are elsewhere, are left out and listed: what needs
   * one must fail rather than be built from the pointer's text.
   */
  writeTo(dir: string, paths: string[]): Promise<{ links: boolean; pointers: string[] }>;
}

export interface GitCallOptions {
  /** Ends the call at once, with the signal's reason; what a thread does for it ends soon after. */
  signal?: AbortSignal;
}

/** Rejects with ReasonError. */
export interface GitRoom {
  /** Asks the server what the ref is now: one small answer. */
  resolve(source: GitSource, options?: GitCallOptions): Promise<{ revision: string; commit: string }>;
  /** The files of a commit. Costs network only when the commit is new. */
  open(source: GitSource, commit: string, options?: GitCallOptions): Promise<GitTree>;
}
