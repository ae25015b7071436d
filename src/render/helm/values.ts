import { copyFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { HelmSpec } from '../../api/helm-spec.ts';
import { ReasonError } from '../../api/reason-error.ts';
import { writeJson } from '../../json.ts';
import { decryptTexts, encryptedAmong } from '../../sops/texts.ts';
import type { Copy } from '../copy.ts';
import type { RendererPorts, RenderInput, ValuesText } from '../types.ts';

/** Of spec.render.helm.valuesFiles: a file as it is, or the clear text of one that sops encrypted. */
export type ValuesFile = { path: string } | ValuesText;

/** In their order. Rejects with ReasonError for one that is not there, or that nobody may decrypt. */
export const valuesFilesIn = async (
  { tree, choice, decryption }: RenderInput,
  ports: RendererPorts,
): Promise<ValuesFile[]> => {
  const paths = choice?.helm?.valuesFiles ?? [];
  const encrypted = await encryptedAmong(paths, async (path) => {
    const file = await tree.find(path);
    if (file && file.mode !== 'folder') return tree.read(file);
    throw new ReasonError('ValuesNotFound', `spec.render.helm.valuesFiles: the source has no file ${path}`);
  });
  const [first] = encrypted;
  if (!first) return paths.map((path) => ({ path }));
  if (!decryption) throw new ReasonError('NotDecrypted', `${first.file} is encrypted with SOPS: set spec.decryption`);
  const clear = new Map((await decryptTexts(encrypted, decryption, ports)).map(({ file, text }) => [file, text]));
  return paths.map((path) => {
    const text = clear.get(path);
    return text === undefined ? { path } : { from: path, text, isSecret: true };
  });
};

interface WrittenValues {
  /** Where Helm reads it. */
  path: string;
  /** As messages name it. */
  name: string;
}

/**
 * In the order in which Helm reads them: the last one wins. Under names of our own: Helm takes a comma in a path for the
 * end of it, and what comes after it for another path, or for a URL.
 * @param places.secret a folder for texts of Secrets, which are on no disk
 */
export const writeValues = async (
  {
    files,
    texts,
    values,
  }: { files: readonly ValuesFile[]; texts: readonly ValuesText[]; values: HelmSpec['values'] | undefined },
  { repository, dir, secret }: Pick<Copy, 'repository' | 'dir'> & { secret: string },
): Promise<WrittenValues[]> => {
  const written: WrittenValues[] = [];
  const add = async (folder: string, name: string, write: (path: string) => Promise<void>): Promise<void> => {
    const path = join(folder, `values-${written.length}.yaml`);
    await write(path);
    written.push({ path, name });
  };
  const mode = 0o600;
  for (const one of [...files, ...texts]) {
    if ('path' in one) await add(dir, one.path, (path) => copyFile(join(repository, one.path), path));
    else await add(one.isSecret ? secret : dir, one.from, (path) => writeFile(path, one.text, { mode }));
  }
  if (Object.keys(values ?? {}).length > 0)
    await add(dir, 'spec.render.helm.values', (path) => writeFile(path, writeJson(values), { mode }));
  return written;
};
