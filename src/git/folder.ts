import { damaged } from './errors.ts';

export interface TreeEntry {
  name: string;
  type: 'tree' | 'blob' | 'submodule';
  /** Symlinks are blobs, too. */
  isLink: boolean;
  oid: string;
}

/** A tree object: what one folder holds, in Git's order. */
export type Folder = readonly TreeEntry[];

/** What entries take in memory when they are parsed, over their bytes in the object: 4 to 5, measured. */
export const PARSED_RATIO = 6;

const SPACE = 0x20;
const OID = 20;

/** https://git-scm.com/book/en/v2/Git-Internals-Git-Objects. Throws RepositoryDamaged. */
export const parseFolder = (content: Buffer): Folder => {
  const entries: TreeEntry[] = [];
  for (let at = 0; at < content.length; ) {
    const space = content.indexOf(SPACE, at);
    const end = content.indexOf(0, space);
    if (space < 0 || end < 0 || end + 1 + OID > content.length) throw damaged('a folder is cut off');
    const mode = content.toString('latin1', at, space);
    at = end + 1 + OID;
    entries.push({
      name: content.toString('utf8', space + 1, end),
      type: typeOf(mode),
      isLink: mode === '120000',
      oid: content.toString('hex', end + 1, at),
    });
  }
  return entries;
};

const typeOf = (mode: string): TreeEntry['type'] => {
  if (mode === '40000' || mode === '040000') return 'tree';
  return mode === '160000' ? 'submodule' : 'blob';
};

/** A commit holds its root folder and nothing else. Throws RepositoryDamaged. */
export const parseCommit = (content: Buffer): Folder => {
  const oid = /^tree ([0-9a-f]{40})\n/.exec(content.toString('latin1', 0, 46))?.[1];
  if (oid === undefined) throw damaged('a commit names no folder');
  return [{ name: '', type: 'tree', isLink: false, oid }];
};
