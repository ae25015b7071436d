import { existsSync, globSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Pages } from './check.ts';

const ROOT = join(import.meta.dirname, '../..');

/** Every Markdown page of the repository. */
export const pagesOfRepository = (): Pages => {
  const paths = globSync('**/*.md', { cwd: ROOT, exclude: ['node_modules', 'dist', 'coverage'] }).toSorted();
  return {
    texts: new Map(paths.map((path) => [path, readFileSync(join(ROOT, path), 'utf8')])),
    exists: (path) => existsSync(join(ROOT, path)),
  };
};
