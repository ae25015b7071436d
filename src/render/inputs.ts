import type { Input, RenderInput } from './types.ts';

const ROOT = '.';

/** These folders; the whole tree where there are symlinks, whose targets may be anywhere. */
export const inputsAt = async (
  { source, tree }: Pick<RenderInput, 'source' | 'tree'>,
  folders: readonly string[],
  links: boolean,
): Promise<Input[]> => {
  const paths = links ? [ROOT] : folders;
  const ids = await tree.oids(paths);
  return paths.map((path, i) => ({ source, path, id: ids[i] ?? '' }));
};
