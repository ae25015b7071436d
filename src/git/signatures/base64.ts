import { MalformedError } from './wire.ts';

/** What the text encodes, which may be broken into lines. Node alone would skip what is no base64. Throws MalformedError. */
export const fromBase64 = (text: string, what: string): Buffer => {
  const compact = text.replaceAll(/\s+/g, '');
  const bytes = Buffer.from(compact, 'base64');
  if (compact === '' || bytes.toString('base64') !== compact) throw new MalformedError(`${what} is no base64`);
  return bytes;
};
