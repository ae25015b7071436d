import type { KubeObject } from '../api/meta.ts';
import { isConflict } from '../kube/index.ts';

/**
 * The object as a write to exactly what was read: where somebody wrote in between, or it was created again, the API
 * server answers with a conflict. So a process that froze after it read changes nothing.
 */
export const atVersionOf = (object: KubeObject, read: KubeObject | undefined): KubeObject => {
  const { uid, resourceVersion } = read?.metadata ?? {};
  if (uid === undefined || resourceVersion === undefined) return object;
  return { ...object, metadata: { ...object.metadata, uid, resourceVersion } };
};

const TRIES = 5;

/** Does it again, from the read on, while somebody else is faster. */
export const whileFaster = async <T>(readAndWrite: () => Promise<T>): Promise<T> => {
  for (let tries = 1; ; tries += 1) {
    try {
      return await readAndWrite();
    } catch (error) {
      if (!isConflict(error) || tries >= TRIES) throw error;
    }
  }
};
