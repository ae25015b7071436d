import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createWriteStream } from 'node:fs';
import { pipeline } from 'node:stream/promises';
import { createGzip } from 'node:zlib';
import { ReleaseError } from './process.ts';

/**
 * A tar that is the same bytes for the same files: sorted, of nobody, with one time. Compressed where the name ends in
 * gz.
 */
export const packTar = async (
  archive: string,
  root: string,
  names: readonly string[],
  epoch: number,
): Promise<void> => {
  const same = ['--sort=name', '--owner=0', '--group=0', '--numeric-owner', '--mode=u+rw,go+r-w', `--mtime=@${epoch}`];
  const tar = spawn('tar', [...same, '-cf', '-', '-C', root, ...names], { stdio: ['ignore', 'pipe', 'inherit'] });
  const ended = once(tar, 'close');
  const steps = /gz$/.test(archive) ? [createGzip()] : [];
  await pipeline([tar.stdout, ...steps, createWriteStream(archive)]);
  const [code] = (await ended) as [number | null];
  if (code !== 0) throw new ReleaseError(`tar could not write ${archive}`, 'Is there room on that disk?');
};
