import { readFileSync } from 'node:fs';
import type { z } from 'zod';
import { InputError } from './given.ts';

/** The file as its schema has it. Throws InputError with the file, and the path in it. */
export const readJson = <T>(file: string, schema: z.ZodType<T>): T => {
  const parsed = schema.safeParse(jsonOf(file));
  if (parsed.success) return parsed.data;
  const problems = parsed.error.issues.map(({ path, message }) => `${pathOf(path)}: ${message}`);
  throw new InputError(`${file}: ${problems.join('; ')}`);
};

const jsonOf = (file: string): unknown => {
  try {
    return JSON.parse(readText(file));
  } catch (error) {
    if (error instanceof SyntaxError) throw new InputError(`${file}: no JSON: ${error.message}`);
    throw error;
  }
};

export const readText = (file: string): string => {
  try {
    return readFileSync(file, 'utf8');
  } catch (error) {
    throw new InputError(`${file}: ${(error as NodeJS.ErrnoException).code === 'ENOENT' ? 'is not there' : error}`);
  }
};

/** services[0].target */
const pathOf = (path: readonly PropertyKey[]): string =>
  path.map((key, i) => (typeof key === 'number' ? `[${key}]` : `${i === 0 ? '' : '.'}${String(key)}`)).join('') ||
  'all';
