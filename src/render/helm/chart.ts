import { createReadStream } from 'node:fs';
import { mkdtemp, readdir, readFile, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { ReasonError } from '../../api/reason-error.ts';
import { type Unpacking, unpack } from './archive.ts';
import { refuseRemoteReferences } from './values-schema.ts';

/** Charts in charts in charts. */
const MAX_DEPTH = 8;
const SCHEMA = 'values.schema.json';

export interface Readying extends Unpacking {
  /** Whether values.schema.json is read by nobody. */
  skipSchemas: boolean;
}

/**
 * Makes a chart on disk one that Helm reads nothing else for: the archives in charts/ become folders, which Helm reads
 * alike, and no schema of it or of them refers to another host. Rejects with ReasonError.
 */
export const readyChart = async (dir: string, readying: Readying, depth = 0): Promise<void> => {
  const { label, skipSchemas, allowance } = readying;
  if (depth > MAX_DEPTH) throw new ReasonError('ChartRefused', `${label}: charts nest deeper than ${MAX_DEPTH}`);
  // Symlinks may lead from one chart into itself, many times.
  allowance.charts -= 1;
  if (allowance.charts < 0) throw new ReasonError('ChartRefused', `${label}: there are too many charts in charts`);
  if (!skipSchemas) await checkSchema(join(dir, SCHEMA), `${label}: ${SCHEMA}`);
  const below = join(dir, 'charts');
  for (const name of await namesIn(below)) {
    if (/^[._]/.test(name)) continue; // as Helm does
    const path = join(below, name);
    const info = await stat(path).catch(missing);
    const inside = { ...readying, label: `${label}/charts/${name}` };
    if (info?.isDirectory()) await readyChart(path, inside, depth + 1);
    else if (info?.isFile() && name.endsWith('.tgz')) {
      const folder = await mkdtemp(`${path}-`);
      await unpack(createReadStream(path), folder, inside);
      await rm(path);
      await readyChart(folder, inside, depth + 1);
    }
  }
};

const checkSchema = async (file: string, where: string): Promise<void> => {
  const text = await readFile(file, 'utf8').catch(missing);
  if (text !== undefined) refuseRemoteReferences(text, where);
};

const namesIn = async (dir: string): Promise<string[]> => ((await readdir(dir).catch(missing)) ?? []).toSorted();

/** What is no such folder or file: Helm itself says what it misses. */
const missing = (error: NodeJS.ErrnoException): undefined => {
  if (['ENOENT', 'ENOTDIR', 'EISDIR', 'ELOOP'].includes(error.code ?? '')) return undefined;
  throw error;
};
