import { createHmac } from 'node:crypto';
import { isConfidential } from '../../api/confidential.ts';
import type { KubeObject } from '../../api/meta.ts';
import { createLoopYielder } from '../../loop-yielder.ts';
import { canonical, hashOf } from '../../snapshot/index.ts';

/** Hashes of rendered objects, each computed once for as long as the object is kept. */
export interface Hashes {
  of(object: KubeObject): string;
  /** Computes them ahead, and lets others have the main thread in between: a plan is one turn of it. */
  prepare(objects: readonly KubeObject[]): Promise<void>;
}

/** @param key HMAC key of the installation: the status shows what hashes are made of, and a short password can be guessed */
export const createHashes = (key: Uint8Array): Hashes => {
  const known = new WeakMap<KubeObject, string>();
  const hmacOf = (object: KubeObject): string => createHmac('sha256', key).update(canonical(object)).digest('hex');
  const of = (object: KubeObject): string => {
    const hash = known.get(object) ?? (isConfidential(object) ? hmacOf(object) : hashOf(object));
    known.set(object, hash);
    return hash;
  };
  return {
    of,
    async prepare(objects) {
      const breathe = createLoopYielder();
      for (const object of objects) {
        of(object);
        await breathe();
      }
    },
  };
};
