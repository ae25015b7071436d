import { describeKey, type KubeObject, keyOf, keyString } from '../api/meta.ts';
import { ReasonError } from '../api/reason-error.ts';
import { isEncrypted } from '../sops/encrypted.ts';
import { marked } from './marked.ts';
import { notDecrypted } from './object.ts';
import { fullAllowance, parseManifests } from './yaml.ts';

export interface ManifestText {
  /** As messages name it. */
  file: string;
  text: string;
  /** What sops encrypted of it: it is refused by default, is kept as it is, or was decrypted before. */
  sops?: 'Kept' | 'Decrypted';
}

/** The objects of several texts, in order. Throws ReasonError, also where two of them are the same object. */
export const parseAll = (manifests: readonly ManifestText[]): KubeObject[] => {
  const seen = new Map<string, string>();
  const allowance = fullAllowance();
  return manifests.flatMap(({ file, text, sops }) => {
    const objects = parseManifests(text, file, allowance);
    for (const object of objects) {
      const key = keyOf(object);
      if (sops !== 'Kept' && isUseless(object)) throw notDecrypted(`${file} (${describeKey(key)})`);
      const other = seen.get(keyString(key));
      if (other !== undefined) {
        throw new ReasonError('DuplicateObject', `${describeKey(key)} is in ${other} and again in ${file}`);
      }
      seen.set(keyString(key), file);
    }
    return sops === 'Decrypted' ? objects.map((object) => marked(object, 'DecryptionFailed')) : objects;
  });
};

/** A Secret with encrypted values is of no use; an object of another kind may be for a controller that decrypts it. */
const isUseless = (object: KubeObject): boolean =>
  object.apiVersion === 'v1' && object.kind === 'Secret' && isEncrypted(object);
