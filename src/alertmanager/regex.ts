import { AlertmanagerError } from './error.ts';

/**
 * A regular expression of RE2, as matchers have it, over the whole of a label. What JavaScript reads in another way is
 * translated; what it can't read is refused with AlertmanagerError, rather than that it means something else.
 */
export const regexOf = (pattern: string): RegExp => {
  const [, flags = '', rest = pattern] = /^\(\?([is]+)\)(.*)$/s.exec(pattern) ?? [];
  const translated = rest
    // Any punctuation may be escaped there; here only what means something.
    .replaceAll(/\\([\s\S])/gu, (escaped, character: string) =>
      /[A-Za-z0-9]/.test(character) ? escaped : `\\u{${(character.codePointAt(0) ?? 0).toString(16)}}`,
    )
    .replaceAll('(?P<', '(?<');
  try {
    return new RegExp(`^(?:${translated})$`, `u${[...new Set(flags)].join('')}`);
  } catch (cause) {
    throw new AlertmanagerError(`the matcher ${pattern} can't be read: ${wordsOf(cause)}`, { cause });
  }
};

const wordsOf = (cause: unknown): string => (cause instanceof Error ? cause.message : String(cause)).slice(0, 200);
