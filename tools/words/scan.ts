import { allowed, banned } from './banned.ts';
import type { Text } from './texts.ts';

/** One line for each banned word: where it stands, and what to write instead. */
export const findings = (texts: readonly Text[]): string[] =>
  texts.flatMap(({ file, line, text }) => {
    const rest = allowed.reduce((left, { text: term }) => left.replace(new RegExp(term, 'gi'), ''), text);
    return banned.flatMap(({ word, use }) => {
      const found = new RegExp(word, 'i').exec(rest)?.[0];
      return found === undefined
        ? []
        : [`${file}:${line}: "${found}" → ${use}: ${text.trim().replaceAll(/\s+/g, ' ').slice(0, 160)}`];
    });
  });
