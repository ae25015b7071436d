import { posix } from 'node:path';

/** A row of the table in src/README.md. */
export interface Room {
  /** As a person calls it: `sync/apply`, `main.ts`. */
  name: string;
  /** Folders end in `/`; all are relative to the repository. */
  paths: string[];
  /** Counted from the top: a room imports rooms of greater depth. */
  depth: number;
}

const ROOT = 'src';

/** The rooms in the order of the table, the topmost first. Throws where there is no table. */
export const readRooms = (readme: string): Room[] => {
  const rows = readme.split('\n').filter((line) => line.startsWith('| `'));
  if (rows.length === 0) throw new Error('src/README.md has no table of rooms');
  return rows.map((row, depth) => {
    const names = [...(row.split('|')[1] ?? '').matchAll(/`([^`]+)`/g)].map(([, name = '']) => name);
    const paths = names.map((name) => posix.join(ROOT, name));
    return { name: names.map((name) => name.replace(/^\.\.\/|\/$/g, '').replace(/\/$/, '')).join(', '), paths, depth };
  });
};

/** The room of a file: of two folders that contain it the inner one. undefined: the table does not name it. */
export const roomOf = (file: string, rooms: readonly Room[]): Room | undefined => {
  const lengthIn = ({ paths }: Room): number =>
    Math.max(
      0,
      ...paths.filter((path) => (path.endsWith('/') ? file.startsWith(path) : file === path)).map((p) => p.length),
    );
  const best = rooms.toSorted((a, b) => lengthIn(b) - lengthIn(a))[0];
  return best && lengthIn(best) > 0 ? best : undefined;
};
