import type { KubeObject } from '../../api/meta.ts';
import { createLoopYielder } from '../../loop-yielder.ts';
import { hashOf } from '../../snapshot/index.ts';

/** Hashes of rendered objects, each computed once for as long as the object is kept. */
export interface Hashes {
  of(object: KubeObject): string;
  /** Computes them ahead, and lets others have the main thread in between: a plan is one turn of it. */
  prepare(objects: readonly KubeObject[]): Promise<void>;
}

export const createHashes = (): Hashes => {
  const known = new WeakMap<KubeObject, string>();
  const of = (object: KubeObject): string => {
    const hash = known.get(object) ?? hashOf(object);
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
