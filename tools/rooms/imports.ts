import { posix } from 'node:path';
import ts from 'typescript';

/** Path in the repository → text. */
export type Sources = ReadonlyMap<string, string>;

export interface Import {
  from: string;
  line: number;
  /** Path in the repository. */
  to: string;
}

/** Every import and re-export of another file of the repository, types included. */
export const importsOf = (sources: Sources): Import[] =>
  [...sources].flatMap(([from, text]) => {
    const lineAt = (position: number): number => text.slice(0, position).split('\n').length;
    return ts
      .preProcessFile(text, true, true)
      .importedFiles.filter(({ fileName }) => fileName.startsWith('.'))
      .map(({ fileName, pos }) => ({ from, line: lineAt(pos), to: posix.join(posix.dirname(from), fileName) }));
  });
