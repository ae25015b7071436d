import type { Said } from './line.ts';

/** Codes that name what is wrong and nothing else: of AWS (XML and JSON), of Azure, of OAuth and of Google. */
const CODES = [
  /<Code>([A-Za-z.]{1,80})<\/Code>/,
  /\b(AADSTS[0-9]{1,9})\b/,
  /"__type"\s*:\s*"(?:[\w.]*#)?([A-Za-z.]{1,80})"/,
  /"error"\s*:\s*"([a-z_]{1,80})"/,
  /"status"\s*:\s*"([A-Z_]{1,80})"/,
  /"code"\s*:\s*"([A-Za-z.]{1,80})"/,
];

/** Of an answer that refuses: its status and its code. No word of its text, which may quote a token. */
export const refusalIn = ({ status, text }: { status: number; text: string }): string => {
  const code = CODES.map((pattern) => pattern.exec(text)?.[1]).find((found) => found !== undefined);
  return code === undefined ? `${status}` : `${status} ${code}`;
};

/** What was answered, or why it is no answer, in words. */
export type Answer<T> = { ok: true; answer: T } | { ok: false; why: string };

/** The text of an answer that refuses nothing. */
export const textIn = (said: Said, host: string): Answer<string> => {
  if (!said.ok) return said;
  return said.status === 200
    ? { ok: true, answer: said.text }
    : { ok: false, why: `${host} answered ${refusalIn(said)}` };
};

/** The same where it is JSON. */
export const jsonIn = (said: Said, host: string): Answer<Record<string, unknown>> => {
  const text = textIn(said, host);
  if (!text.ok) return text;
  const nothing = { ok: false, why: `what answers at ${host} is not the service` } as const;
  try {
    const answer = JSON.parse(text.answer) as Record<string, unknown> | null;
    return typeof answer === 'object' && answer !== null ? { ok: true, answer } : nothing;
  } catch {
    return nothing; // what it is instead is in no message
  }
};
