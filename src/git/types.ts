import type { GitRef, VerifyMode } from '../api/source.ts';
import type { CallOptions, FileTree, OpenOptions } from '../file-tree.ts';

export interface GitCredentials {
  username?: string;
  password?: string;
  /** Sent as a bearer token; wins over username and password. */
  token?: string;
  /** PEM of a private CA. */
  ca?: string;
  /** PEM of a client certificate, and of its key. */
  cert?: string;
  key?: string;
  /** Of a GitHub App: its id, the id or owner of the installation, its private key, and its API where that is not github.com's. */
  appId?: string;
  appInstallationId?: string;
  appInstallationOwner?: string;
  appPrivateKey?: string;
  appBaseUrl?: string;
  /** Of SSH: a private key without a passphrase, and the host keys that are trusted, as known_hosts has them. */
  identity?: string;
  knownHosts?: string;
  /** Whose username and password, or token, they are, where these change by the hour: a mirror is that of who it is. */
  account?: string;
}

/** Who must have signed what is applied. */
export interface Verification {
  mode: VerifyMode;
  /** `namespace/name` of the Secret with the keys, for messages, and what it holds by key. */
  secret: string;
  files: Readonly<Record<string, string>>;
}

export interface GitSource {
  url: string;
  ref: GitRef;
  credentials?: GitCredentials;
  timeoutMs: number;
  /** No commit is opened that does not pass. */
  verify?: Verification;
  /** The annotated tag that the ref stood at when it was resolved; null where it is none. */
  tagObject?: string | null;
  /** Whose share of fetches and disk it counts against: the namespace. The host where there is none. */
  tenant?: string;
}

export interface Resolved {
  /** For people: `main@` and the commit. */
  revision: string;
  commit: string;
  /** The tag that a range of versions leads to: it is what to fetch. */
  ref?: GitRef;
  /** The annotated tag that the ref stands at. */
  tagObject?: string;
}

/** Rejects with ReasonError. */
export interface GitRoom {
  /** Asks the server what the ref is now: one small answer. */
  resolve(source: GitSource, options?: CallOptions): Promise<Resolved>;
  /** The files of a commit, once its signatures are verified. Costs network only when the commit is new; offline, it is then refused. */
  open(source: GitSource, commit: string, options?: OpenOptions): Promise<FileTree>;
}
