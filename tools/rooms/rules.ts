import { circlesOf } from './circles.ts';
import { type Import, importsOf, type Sources } from './imports.ts';
import { type Room, readRooms, roomOf } from './layout.ts';

export interface Finding {
  /** What an exception names: `src/a.ts → src/b.ts`. */
  id: string;
  /** Where, what, and what to do. */
  message: string;
}

/** What the files do against the table of rooms. Tests are free: they build what they need from any room. */
export const findingsOf = (readme: string, all: Sources): Finding[] => {
  const rooms = readRooms(readme);
  const sources: Sources = new Map([...all].filter(([path]) => !path.endsWith('.test.ts')));
  const imports = importsOf(sources).filter(({ to }) => sources.has(to));
  return [
    ...unlisted(sources, rooms),
    ...empty(sources, rooms),
    ...imports.flatMap((each) => upward(each, rooms) ?? pastIndex(each, sources) ?? []),
    ...circlesOf(imports).map(circle),
  ];
};

const unlisted = (sources: Sources, rooms: readonly Room[]): Finding[] =>
  [...sources.keys()]
    .filter((file) => !roomOf(file, rooms))
    .map((file) => ({ id: file, message: `${file}: belongs to no room; give its folder a row in src/README.md` }));

const empty = (sources: Sources, rooms: readonly Room[]): Finding[] =>
  rooms
    .flatMap(({ paths }) => paths)
    .filter((path) => ![...sources.keys()].some((file) => (path.endsWith('/') ? file.startsWith(path) : file === path)))
    .map((path) => ({ id: path, message: `src/README.md: names ${path}, which does not exist; remove it` }));

const idOf = ({ from, to }: Import): string => `${from} → ${to}`;

const upward = (each: Import, rooms: readonly Room[]): Finding | undefined => {
  const from = roomOf(each.from, rooms);
  const to = roomOf(each.to, rooms);
  if (!from || !to || to.depth >= from.depth) return undefined;
  const message = `${each.from}:${each.line}: imports ${each.to}, but room ${to.name} stands above room ${from.name} in src/README.md; move what both need to the lower room, or pass it in`;
  return { id: idOf(each), message };
};

const pastIndex = (each: Import, sources: Sources): Finding | undefined => {
  const index = foldersOf(each.to)
    .filter((folder) => !each.from.startsWith(folder))
    .map((folder) => `${folder}index.ts`)
    .find((file) => sources.has(file));
  if (index === undefined || each.to === index) return undefined;
  const message = `${each.from}:${each.line}: imports ${each.to}, past the index of its room; export what is needed from ${index} and import that`;
  return { id: idOf(each), message };
};

/** `src/a/b.ts` → `src/`, `src/a/`: the outermost first. */
const foldersOf = (file: string): string[] => {
  const steps = file.split('/').slice(0, -1);
  return steps.map((_, i) => `${steps.slice(0, i + 1).join('/')}/`);
};

const circle = (files: string[]): Finding => ({
  id: files.join(' ↔ '),
  message: `${files[0]}: is in a circle of imports with ${files.slice(1).join(', ')}; move what they share to a file of its own`,
});
