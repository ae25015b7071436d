export interface TreeFile {
  /** From the root of the source, with /. */
  path: string;
  mode: 'file' | 'symlink';
  oid: string;
}

export interface TreeFolder {
  /** From the root of the source, which is '.' itself. */
  path: string;
  mode: 'folder';
  oid: string;
}

/** What `FileTree.texts` is asked for. */
export interface TextsWanted {
  /** Of the file names, below the folder. */
  pattern: RegExp;
  maxBytes: number;
  /** What is left out. */
  ignore?: readonly IgnoreFile[];
}

/** Patterns as .gitignore has them, one a line, for what is below a folder. */
export interface IgnoreFile {
  /** From the root of the source; '.' for the root itself. */
  folder: string;
  text: string;
}

export interface FolderTexts {
  /** Of the folder. */
  oid: string;
  /** Among the files are symlinks: what they lead to can change while the folder stays the same. */
  links: boolean;
  texts: { file: string; text: string }[];
  /** Of the texts; over maxBytes, the rest was not read. */
  bytes: number;
}

/** Port: the files of one version of a source. Its calls reject with ReasonError. */
export interface FileTree {
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
  /** Follows symlinks inside of the source. */
  read(file: TreeFile): Promise<Uint8Array>;
  /**
   * Writes these folders and files to `dir`, with all that symlinks in them lead to; none may leave the source.
   * Says whether there were symlinks. Pointers of Git LFS, whose files are elsewhere, are left out and listed: what needs
   * one must fail rather than be built from the pointer's text.
   */
  writeTo(dir: string, paths: string[]): Promise<{ links: boolean; pointers: string[] }>;
}

export interface CallOptions {
  /** Ends the call at once, with the signal's reason; what a thread does for it ends soon after. */
  signal?: AbortSignal;
}

export interface OpenOptions extends CallOptions {
  /** Only what is here already: no server is asked. */
  offline?: boolean;
}
