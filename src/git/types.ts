import type { GitRef } from '../api/source.ts';
import type { CallOptions, FileTree } from '../file-tree.ts';

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

/** Rejects with ReasonError. */
export interface GitRoom {
  /** Asks the server what the ref is now: one small answer. */
  resolve(source: GitSource, options?: CallOptions): Promise<{ revision: string; commit: string }>;
  /** The files of a commit. Costs network only when the commit is new. */
  open(source: GitSource, commit: string, options?: CallOptions): Promise<FileTree>;
}
