import fs from 'node:fs';
import type { PromiseFsClient } from 'isomorphic-git';

const LOOSE = /\/objects\/[0-9a-f]{2}\/[0-9a-f]{38}$/;

/**
 * The file system as isomorphic-git reads a mirror through it. Mirrors hold packs only, and it looks for a loose object
 * first, each time: the answer is known without asking the kernel.
 */
export const packedFs: PromiseFsClient = {
  promises: {
    ...fs.promises,
    readFile: async (path: string, options?: object) => {
      if (LOOSE.test(path)) throw Object.assign(new Error('mirrors hold packs only'), { code: 'ENOENT' });
      return fs.promises.readFile(path, options);
    },
  },
};
