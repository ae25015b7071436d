import { groupOf, type KubeObject, versionOf } from '../../api/meta.ts';
import type { Patch, Patching } from '../../api/patching.ts';
import { ReasonError } from '../../api/reason-error.ts';
import type { Build } from './build.ts';
import { isImage } from './images.ts';
import { markingPatch, numbersIn } from './marks.ts';

type Target = NonNullable<Patch['target']>;

/**
 * The patches whose target selects nothing, in words: kustomize itself is silent. Where it is not plain which object one
 * selects, kustomize runs once more, with a patch before each such one that marks what it will select.
 */
export const unmatchedPatches = async (
  given: readonly KubeObject[],
  { patches }: Patching,
  build: Build,
): Promise<string[]> => {
  const unsure = patches.flatMap(({ target }, i) => (target && !selectsAny(target, given) ? [{ i, target }] : []));
  if (unsure.length === 0) return [];
  const seen = await seenBy(unsure, given, patches, build);
  return unsure
    .filter(({ i }) => !seen.has(i))
    .map(({ i, target }) => `spec.patches[${i}] (${wordsOf(target)}) matches no object`);
};

const seenBy = async (
  unsure: readonly { i: number; target: Target }[],
  given: readonly KubeObject[],
  patches: readonly Patch[],
  build: Build,
): Promise<Set<number>> => {
  const marking = new Map(unsure.map(({ i, target }) => [i, { patch: markingPatch(i), target }]));
  const run = (all: readonly Patch[]) => build(given, { patches: all, images: [] });
  // An object that a patch deletes would take its marks with it.
  const among = patches.flatMap((patch, i) =>
    [marking.get(i) ?? [], patch.patch.includes('$patch') ? [] : patch].flat(),
  );
  const first = await run(among);
  const built = first.ok ? first : await run([...marking.values()]);
  if (!built.ok)
    throw new ReasonError(built.code, `what spec.patches match can't be found out: kustomize ${built.why}`);
  return numbersIn(built.text);
};

/** Whether an object has just what the target says, where that is a regular expression of itself. */
const selectsAny = (target: Target, given: readonly KubeObject[]): boolean => {
  const { group, version, kind, name, namespace, labelSelector, annotationSelector } = target;
  if (labelSelector !== undefined || annotationSelector !== undefined) return false;
  const says = (wanted: string | undefined, is: string | undefined): boolean =>
    wanted === undefined || (wanted === is && /^[\w.:-]+$/.test(wanted));
  return given.some(
    ({ apiVersion, kind: isKind, metadata }) =>
      says(group, groupOf(apiVersion)) &&
      says(version, versionOf(apiVersion)) &&
      says(kind, isKind) &&
      says(name, metadata.name) &&
      says(namespace, metadata.namespace),
  );
};

/** `Deployment web`, as far as the target says it. */
const wordsOf = ({ group, version, kind, name, namespace, labelSelector, annotationSelector }: Target): string => {
  const words = [
    [group, version].filter((part) => part !== undefined).join('/'),
    kind ?? '',
    [namespace, name].filter((part) => part !== undefined).join('/'),
    labelSelector === undefined ? '' : `with labels ${labelSelector}`,
    annotationSelector === undefined ? '' : `with annotations ${annotationSelector}`,
  ];
  return (
    words
      .filter((word) => word !== '')
      .join(' ')
      .slice(0, 200) || 'any object'
  );
};

/**
 * The images that no container has, in words. A patch, or another entry, may have brought one.
 * @param there those that were rendered
 */
export const unmatchedImages = (there: readonly string[], { patches, images }: Patching): string[] => {
  const isThere = (name: string): boolean =>
    there.some((image) => isImage(image, name)) ||
    images.some(({ newName }) => newName === name) ||
    patches.some(({ patch }) => patch.includes(name));
  return images.flatMap(({ name }, i) =>
    isThere(name) ? [] : [`spec.images[${i}]: no container has the image ${name}`],
  );
};
