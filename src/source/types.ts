import type { CallOptions, FileTree, OpenOptions } from '../file-tree.ts';
import type { GitRoom } from '../git/index.ts';
import type { Credentials } from './credentials.ts';

/** Port: something that manifests are read from, with the credentials for it. Its calls reject with ReasonError. */
export interface Source {
  /** Equal for two that one answer serves. */
  readonly identity: string;
  /** What it holds now. */
  resolve(options?: CallOptions): Promise<Version>;
  /** The files of a version. */
  open(id: string, options?: OpenOptions): Promise<FileTree>;
}

export interface Version {
  /** Of what it holds: the same as long as nothing in it changes. The commit, for Git. */
  id: string;
  /** For people: `main@` and the id. */
  revision: string;
}

/** Who reads a source. */
export interface Reader {
  /** Whose Secrets its references name. */
  namespace: string;
  timeoutMs: number;
  /** Whose share of connections and disk it counts against; the host's where there is none. */
  tenant?: string | undefined;
}

/** What the sources are read with. */
export interface SourcePorts {
  credentials: Credentials;
  git: GitRoom;
}

/** How one member of spec.source is read. */
export interface SourceMember<Spec> {
  /** Equal where one answer serves both. Credentials are part of it: who can't read a source learns nothing from who can. */
  identity(spec: Spec, namespace: string): string;
  /** Names of the Secrets of the namespace that it needs. */
  secrets(spec: Spec): readonly string[];
  /** Reads the Secrets, and no more. Rejects with ReasonError. */
  connect(spec: Spec, reader: Reader, ports: SourcePorts): Promise<Source>;
}
