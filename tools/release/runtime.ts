import { chmodSync, copyFileSync, mkdirSync, realpathSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { PASSWD } from '../images.ts';
import type { Machine } from './machines.ts';
import type { ImageTarget } from './targets.ts';

/**
 * The root file system that an image is built on, from scratch: node, Debian's programs, and the libraries of both.
 *
 * @param notices what is bundled, with its licences
 */
export const buildRuntime = (
  root: string,
  { node, debian, contents }: Machine,
  { target, notices }: { target: ImageTarget; notices: string },
): void => {
  const place = (from: string, to: string): void => {
    mkdirSync(dirname(join(root, to)), { recursive: true });
    copyFileSync(realpathSync(from), join(root, to));
  };
  const write = (to: string, text: string): void => {
    mkdirSync(dirname(join(root, to)), { recursive: true });
    writeFileSync(join(root, to), text);
  };
  const { files, packages } = contents[target];
  place(node, 'usr/bin/node');
  for (const file of files) place(join(debian.root, file), file);
  for (const { copyright } of packages) place(join(debian.root, copyright), copyright);
  write('usr/share/doc/metricops/THIRD-PARTY-NOTICES.txt', notices);
  write('etc/passwd', PASSWD);
  mkdirSync(join(root, 'tmp'));
  chmodSync(join(root, 'tmp'), 0o1777);
};
