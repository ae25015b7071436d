import { describeKey, type KubeObject, keyOf } from '../api/meta.ts';
import { writeJson } from '../json.ts';
import { decryptFiles } from './decrypt.ts';
import { encryptedEntries, formatsOf, isToDecrypt } from './encrypted.ts';
import type { Decryption, SopsFile, SopsPorts } from './types.ts';

export interface ObjectPorts extends SopsPorts {
  /** The objects of JSON texts that were decrypted, one of each. Rejects with ReasonError. */
  parse(texts: { file: string; text: string; sops: 'Decrypted' }[]): Promise<KubeObject[]>;
}

interface Job {
  file: SopsFile;
  /** The object with what came out. */
  put(object: KubeObject, clear: Buffer): KubeObject | Promise<KubeObject>;
}

/**
 * What kustomize built, in the clear: objects that sops encrypted; and in Secrets the entries that its generators made of
 * files, and of variables, that sops encrypted. kustomize itself sees no clear text, and none is in a file. It may have
 * added to an object, and sorts its fields, so that the MAC of a whole object can't match: each value proves itself and its
 * place. Rejects with ReasonError.
 */
export const decryptObjects = async (
  objects: readonly KubeObject[],
  decryption: Decryption,
  ports: ObjectPorts,
): Promise<KubeObject[]> => {
  const jobs = objects.flatMap((object, at) => jobsOf(object, ports).map((job) => ({ at, ...job })));
  const clear = await decryptFiles(
    jobs.map(({ file }) => file),
    decryption,
    ports,
  );
  const result = [...objects];
  for (const [i, { at, put }] of jobs.entries()) {
    const [object, text] = [result[at], clear[i]];
    if (object && text) result[at] = await put(object, text);
  }
  return result;
};

const jobsOf = (object: KubeObject, { parse }: ObjectPorts): Job[] => {
  const name = describeKey(keyOf(object));
  if (isToDecrypt(object)) return [wholeObject(object, name, parse)];
  if (object.apiVersion !== 'v1' || object.kind !== 'Secret') return [];
  const variables = encryptedVariables(object);
  return variables ? [ofVariables(variables, name)] : encryptedEntries(object).map((entry) => ofEntry(entry, name));
};

const wholeObject = (object: KubeObject, name: string, parse: ObjectPorts['parse']): Job => ({
  file: { name, format: 'json', output: 'json', text: writeJson(object), isWhole: false },
  put: async (encrypted, clear) => {
    const [parsed = encrypted] = await parse([{ file: name, text: clear.toString(), sops: 'Decrypted' }]);
    return parsed;
  },
});

const ofEntry = ([key, text]: [string, string], name: string): Job => ({
  file: { name: `${key} of ${name}`, ...formatsOf(key, text), text, isWhole: true },
  put: (object, clear) => withData(object, { [key]: clear.toString('base64') }),
});

/** A generator makes an entry of each line of a file of variables, of the lines that sops wrote, too. */
const encryptedVariables = ({ data }: KubeObject): [key: string, value: string][] | undefined => {
  const entries = Object.entries((data ?? {}) as Record<string, unknown>);
  if (!entries.some(([key]) => key === 'sops_mac')) return undefined;
  return entries
    .map(([key, value]): [string, string] => [key, Buffer.from(String(value), 'base64').toString()])
    .filter(([key, value]) => OF_SOPS.test(key) || value === '' || value.startsWith('ENC[AES256_GCM,'));
};

const OF_SOPS = /^sops_/;

const ofVariables = (variables: readonly [string, string][], name: string): Job => ({
  file: {
    name: `the variables of ${name}`,
    format: 'dotenv',
    output: 'json',
    text: variables.map(([key, value]) => `${key}=${value}\n`).join(''),
    // kustomize sorts them.
    isWhole: false,
  },
  put: (object, clear) => {
    const values = JSON.parse(clear.toString()) as Record<string, unknown>;
    const inBase64 = Object.entries(values).map(([key, value]) => [key, Buffer.from(String(value)).toString('base64')]);
    const gone = variables.filter(([key]) => OF_SOPS.test(key)).map(([key]) => [key, undefined]);
    return withData(object, Object.fromEntries([...inBase64, ...gone]));
  },
});

const withData = (object: KubeObject, changes: Record<string, string | undefined>): KubeObject => {
  const entries = Object.entries({ ...(object.data as Record<string, unknown>), ...changes });
  return { ...object, data: Object.fromEntries(entries.filter(([, value]) => value !== undefined)) };
};
