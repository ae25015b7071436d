import { readFileSync } from 'node:fs';
import { join } from 'node:path';

/** Terms of docs/glossary.md, in its order. */
export const glossary = (): string[] =>
  [...read('docs/glossary.md').matchAll(/^\| (?!word \|)([A-Za-z][^|]*) \|/gm)].map(([, term = '']) => term);

/** Whether README or reference use a term: in any case, with any ending, as `sourceDigest` or `source digest`. */
export const isUsed = (term: string): boolean => {
  const stem = term
    .toLowerCase()
    .replaceAll(' ', '')
    .replace(/(?<=.{4})ed$/, '');
  return used.includes(stem);
};

const read = (path: string): string => readFileSync(join(import.meta.dirname, '../..', path), 'utf8');
const used = `${read('README.md')}${read('docs/reference.md')}`.toLowerCase().replaceAll(' ', '');
