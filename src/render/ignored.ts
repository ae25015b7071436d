import { posix } from 'node:path';
import { ReasonError } from '../api/reason-error.ts';
import type { IgnoreFile } from '../file-tree.ts';
import { inputsAt } from './inputs.ts';
import type { Input, RenderInput } from './types.ts';

const FILE = '.sourceignore';
const MAX_BYTES = 16 * 1024;

/** What is no manifest in any repository; the list of Flux. A later `!/.github/` brings it back. */
const USUAL = `
/.git/
/.github/
/.circleci/
/.travis.yml
/.gitlab-ci.yml
/appveyor.yml
/.drone.yml
/cloudbuild.yaml
/codeship-services.yml
/codeship-steps.yml
.goreleaser.yml
.goreleaser.yaml
.sops.yaml
.flux.yaml
`;

/**
 * What a folder of plain files leaves out: the usual, then the .sourceignore of each folder from the root to it, then
 * spec.ignore; the last rule that matches counts. With the files that say so, which lie outside of the folder.
 */
export const ignoredIn = async (
  input: Pick<RenderInput, 'source' | 'tree' | 'path' | 'ignore'>,
): Promise<{ ignore: IgnoreFile[]; inputs: Input[] }> => {
  const { tree, path, ignore: own } = input;
  const ignore = [{ folder: '.', text: USUAL }];
  const outside: string[] = [];
  const folders = foldersTo(path);
  const ids = await tree.oids(folders.map((folder) => posix.join(folder, FILE)));
  for (const [i, folder] of folders.entries()) {
    if (ids[i] === undefined) continue;
    const at = posix.join(folder, FILE);
    const file = await tree.find(at);
    if (!file || file.mode === 'folder') continue;
    const content = await tree.read(file);
    if (content.length > MAX_BYTES) {
      throw new ReasonError('ManifestTooLarge', `${at} has ${content.length} bytes; ${MAX_BYTES} are taken`);
    }
    ignore.push({ folder, text: Buffer.from(content).toString() });
    if (i < folders.length - 1) outside.push(at);
  }
  if (own !== undefined) ignore.push({ folder: '.', text: own });
  return { ignore, inputs: await inputsAt(input, outside, false) };
};

/** `apps/web` → `.`, `apps`, `apps/web` */
const foldersTo = (path: string): string[] => {
  const parts = posix
    .normalize(path)
    .split('/')
    .filter((part) => part !== '' && part !== '.');
  return ['.', ...parts.map((_, i) => parts.slice(0, i + 1).join('/'))];
};
