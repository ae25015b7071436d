import { globSync, readFileSync } from 'node:fs';
import { decidedTwice } from './decisions.ts';
import { exceptions } from './exceptions.ts';
import { findingsOf } from './rules.ts';

// `npm run check`: the order of the rooms, and that what is decided in one place is decided only there.

const files = globSync('{src,webhook,sidecar}/**/*.ts');
const sources = new Map(files.map((file) => [file, readFileSync(file, 'utf8')]));
const found = [...findingsOf(readFileSync('src/README.md', 'utf8'), sources), ...decidedTwice(sources)];

const ids = new Set(found.map(({ id }) => id));
const unexpected = found.filter(({ id }) => !exceptions.has(id)).map(({ message }) => message);
const outdated = [...exceptions]
  .filter((id) => !ids.has(id))
  .map((id) => `tools/rooms/exceptions.ts: "${id}" is no exception any more; remove it`);
const problems = [...unexpected, ...outdated];

for (const problem of problems) process.stderr.write(`${problem}\n`);
process.stdout.write(`rooms: ${files.length} files, ${problems.length} problems, ${exceptions.size} exceptions\n`);
process.exitCode = problems.length === 0 ? 0 : 1;
