import { ReasonError } from '../api/reason-error.ts';

/** A line as Git frames it: https://git-scm.com/docs/protocol-common */
export const packet = (text: string): string => (Buffer.byteLength(text) + 4).toString(16).padStart(4, '0') + text;

export const FLUSH = '0000';
export const DELIMITER = '0001';

/** The framed lines of an answer as they come; null for a flush or a delimiter. Throws ReasonError. */
export async function* readPackets(url: string, body: AsyncIterable<Buffer>): AsyncGenerator<Buffer | null> {
  let rest: Buffer = Buffer.alloc(0);
  for await (const chunk of body) {
    rest = rest.length === 0 ? chunk : Buffer.concat([rest, chunk]);
    while (rest.length >= 4) {
      const digits = rest.toString('latin1', 0, 4);
      if (!/^[0-9a-f]{4}$/i.test(digits)) throw notGit(url);
      const length = Number.parseInt(digits, 16);
      if (length < 4) {
        yield null;
        rest = rest.subarray(4);
        continue;
      }
      if (rest.length < length) break;
      const line = rest.subarray(4, length);
      if (line.toString('latin1', 0, 4) === 'ERR ') throw serverSays(url, line.subarray(4));
      yield line;
      rest = rest.subarray(length);
    }
  }
  if (rest.length > 0) throw new ReasonError('RepositoryUnreachable', `${url} can't be reached: its answer is cut off`);
}

export const textOf = (line: Buffer): string => line.toString('utf8').replace(/\n$/, '');

export const notGit = (url: string): ReasonError =>
  new ReasonError('RepositoryNotFound', `${url} answers, but not as a Git server does: check spec.source.git.url`);

export const serverSays = (url: string, words: Buffer): ReasonError => {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is taken out
  const text = words.toString('utf8', 0, 200).replace(/[\x00-\x1f\x7f]+/g, ' ');
  return new ReasonError('RepositoryUnreachable', `${url} refuses: ${text.trim()}`);
};
