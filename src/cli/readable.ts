import type { CliIo } from './io.ts';

/** But for tabs and ends of lines: what moves the cursor, colours, or turns the order of letters around. */
const UNSEEN = /[[\p{Cc}--[\t\n]]\p{Bidi_Control}]/gv;

/**
 * With text for people only: names, labels and messages are others' words, and a terminal obeys the control characters
 * in them. Each is shown as \uXXXX instead.
 */
export const readable = (io: CliIo): CliIo => ({
  ...io,
  out: (text) => io.out(shown(text)),
  err: (text) => io.err(shown(text)),
});

const shown = (text: string): string =>
  text.replaceAll(UNSEEN, (one) => `\\u${one.charCodeAt(0).toString(16).padStart(4, '0')}`);
