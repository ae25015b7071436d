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

/**
 * Does it again while somebody else is faster.
 * @param readAgain what the next try is to be made from
 */
export const whileFaster = async <T>(
  write: () => Promise<T>,
  readAgain = async (): Promise<void> => {},
): Promise<T> => {
  for (let tries = 1; ; tries += 1) {
    try {
      return await write();
    } catch (error) {
      if (!isConflict(error) || tries >= TRIES) throw error;
    }
    await readAgain();
  }
};
