import type { KubeObject } from '../../api/meta.ts';
import type { Patch, Patching } from '../../api/patching.ts';

/**
 * The objects that the patching may be about. All others stay as they were rendered: definitions of megabytes cost
 * nothing, and a Secret that nobody patches is in no file.
 * @param images what has images, where some are to be replaced
 */
export const concerned = (
  objects: readonly KubeObject[],
  { patches }: Pick<Patching, 'patches'>,
  images: ReadonlyMap<KubeObject, unknown>,
): KubeObject[] => {
  // Who refers to an object by its name gets the new one.
  if (patches.some(({ patch }) => RENAMES.test(patch))) return [...objects];
  return objects.filter((object) => images.has(object) || patches.some((patch) => mayMatch(patch, object)));
};

const RENAMES = /\/metadata(\/name(space)?)?(?![\w/])/;

/** A kind is a regular expression; one of letters and digits is that kind only. */
const mayMatch = ({ patch, target }: Patch, { kind }: KubeObject): boolean => {
  if (!target) return patch.includes(kind); // it has to name it
  return target.kind === undefined || !/^[A-Za-z0-9]+$/.test(target.kind) || target.kind === kind;
};
