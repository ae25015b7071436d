import { gzipSync } from 'node:zlib';

export interface TarEntry {
  name: string;
  content?: string | Buffer;
  /** 0, a file, by default. */
  type?: string;
  /** In the header, where it is not that of the content. */
  size?: number;
}

const BLOCK = 512;

const header = ({ name, content = '', type = '0', size = Buffer.byteLength(content) }: TarEntry): Buffer => {
  const block = Buffer.alloc(BLOCK);
  block.write(name, 0, 100);
  block.write('0000644\0', 100);
  block.write(`${size.toString(8).padStart(11, '0')}\0`, 124);
  block.write('        ', 148);
  block.write(type, 156);
  block.write('ustar\x0000', 257);
  const sum = block.reduce((total, byte) => total + byte, 0);
  block.write(`${sum.toString(8).padStart(6, '0')}\0 `, 148);
  return block;
};

const padded = (content: string | Buffer): Buffer => {
  const bytes = Buffer.from(content);
  return Buffer.concat([bytes, Buffer.alloc((BLOCK - (bytes.length % BLOCK)) % BLOCK)]);
};

/** An archive with entries that no program would write, too. */
export const tgz = (entries: readonly TarEntry[]): Buffer =>
  gzipSync(
    Buffer.concat([
      ...entries.flatMap((entry) => [header(entry), padded(entry.content ?? '')]),
      Buffer.alloc(2 * BLOCK),
    ]),
  );

/** A chart as `helm package` writes it: its files below a folder of its name. */
export const chartArchive = (name: string, files: Record<string, string>): Buffer =>
  tgz(Object.entries(files).map(([file, content]) => ({ name: `${name}/${file}`, content })));
