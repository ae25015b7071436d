import type { Sources } from './imports.ts';
import type { Finding } from './rules.ts';

/** A decision that one module takes; `pattern` is what a second module would have to read to take it again. */
interface Decision {
  what: string;
  pattern: RegExp;
  /** Files, or folders with a slash at the end. */
  allowed: readonly string[];
  /** What everybody else calls. */
  instead: string;
}

export const DECISIONS: readonly Decision[] = [];

/** Modules that read what only one place is to judge by. Tests are free. */
export const decidedTwice = (sources: Sources, decisions: readonly Decision[] = DECISIONS): Finding[] =>
  decisions.flatMap(({ what, pattern, allowed, instead }) =>
    [...sources].flatMap(([file, text]) => {
      const isAllowed = allowed.some((path) => (path.endsWith('/') ? file.startsWith(path) : file === path));
      if (isAllowed || file.endsWith('.test.ts')) return [];
      const line = text.split('\n').findIndex((each) => pattern.test(each)) + 1;
      if (line === 0) return [];
      const message = `${file}:${line}: decides "${what}" a second time; use ${instead}`;
      return [{ id: `${what}: ${file}`, message }];
    }),
  );
