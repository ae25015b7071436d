import { describeKey, type KubeObject, keyOf, keyString } from '../api/meta.ts';
import { ReasonError } from '../api/reason-error.ts';
import { fullAllowance, parseManifests } from './yaml.ts';

export interface ManifestText {
  /** As messages name it. */
  file: string;
  text: string;
}

/** The objects of several texts, in order. Throws ReasonError, also where two of them are the same object. */
export const parseAll = (manifests: readonly ManifestText[]): KubeObject[] => {
  const seen = new Map<string, string>();
  const allowance = fullAllowance();
  return manifests.flatMap(({ file, text }) => {
    const objects = parseManifests(text, file, allowance);
    for (const object of objects) {
      const key = keyOf(object);
      const other = seen.get(keyString(key));
      if (other !== undefined) {
        throw new ReasonError('DuplicateObject', `${describeKey(key)} is in ${other} and again in ${file}`);
      }
      seen.set(keyString(key), file);
    }
    return objects;
  });
};
