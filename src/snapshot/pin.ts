import type { KubeObject } from '../api/meta.ts';
import type { Release } from '../api/release-history.ts';

export interface ImagePin {
  container: string;
  /** repository@sha256:... Only the digest counts: the repository is that of the image which the container has. */
  image: string;
}

/**
 * Images of a release that have to be restored by digest: the same reference was pulled with another content by some
 * other release, so the tag no longer says which is meant.
 */
export const pinsFor = (target: Release, releases: readonly Release[]): ImagePin[] =>
  target.images.flatMap(({ container, image, imageID }) => {
    const digest = contentOf(imageID ?? '');
    if (digest === undefined) return []; // loaded by hand: there is nothing to pull by
    // Nodes report one content under many names: of a mirror, or with the prefix of their runtime.
    const moved = releases.some((r) =>
      r.images.some((i) => i.image === image && i.imageID !== undefined && !i.imageID.endsWith(digest)),
    );
    return moved ? [{ container, image: `${repositoryOf(image)}@${digest}` }] : [];
  });

/** Images by tag of which a node reported an ID that nothing can be pulled by. */
export const unpinnable = (images: Release['images']): Release['images'] =>
  images.filter(({ image, imageID }) => imageID !== undefined && !namesContent(imageID) && !namesContent(image));

/** `sha256:...`, as an image ID ends in whatever container runtime reports it; undefined where it names no content. */
const contentOf = (image: string): string | undefined => image.match(/@(sha256:[0-9a-f]+)$/)?.[1];

/** Whether an image is pinned to a content. */
export const namesContent = (image: string): boolean => contentOf(image) !== undefined;

/** The first pin that is of none of the workload's containers, or of another repository than its image. */
export const foreignPin = (workload: KubeObject, pins: readonly ImagePin[]): ImagePin | undefined =>
  pins.find(({ container, image }) => {
    const own = containersOf(workload).find(({ name }) => name === container)?.image;
    return own === undefined || repositoryOf(own) !== repositoryOf(image);
  });

/** `registry:5000/shop/web:v1@sha256:...` → `registry:5000/shop/web`. */
const repositoryOf = (image: string): string => {
  const [name = ''] = image.split('@');
  const colon = name.indexOf(':', name.lastIndexOf('/') + 1);
  return colon === -1 ? name : name.slice(0, colon);
};

type Container = { name: string; image?: string };
type PodSpec = { containers?: Container[]; initContainers?: Container[] };

const containersOf = ({ spec }: KubeObject): Container[] => {
  const pods = (spec as { template?: { spec?: PodSpec } } | undefined)?.template?.spec ?? {};
  return [...(pods.containers ?? []), ...(pods.initContainers ?? [])];
};

/**
 * The workload with those containers' images pinned to a content. Pins come with a Hold, which more people may write
 * than workloads: they choose among the contents of the repository that the release names, and no other repository.
 */
export const withPins = (workload: KubeObject, pins: readonly ImagePin[] | undefined): KubeObject => {
  if (pins === undefined || pins.length === 0) return workload;
  const copy = structuredClone(workload);
  for (const container of containersOf(copy)) {
    const digest = contentOf(pins.find((p) => p.container === container.name)?.image ?? '');
    if (digest !== undefined && container.image !== undefined) {
      container.image = `${repositoryOf(container.image)}@${digest}`;
    }
  }
  return copy;
};

/** The pod template with the images as a release names them, where they are those of the release by content. */
export const withoutPins = (template: unknown, images: Release['images']): unknown => {
  const copy = structuredClone(template) as { spec?: PodSpec } | undefined;
  for (const container of copy?.spec?.containers ?? []) {
    const named = images.find((image) => image.container === container.name);
    const content = contentOf(named?.imageID ?? '');
    if (named && content !== undefined && container.image === `${repositoryOf(named.image)}@${content}`)
      container.image = named.image;
  }
  return copy;
};

/** Whether the containers of a pod template have the images that a release names. */
export const hasImages = (template: unknown, images: Release['images']): boolean => {
  const containers = (template as { spec?: PodSpec } | undefined)?.spec?.containers ?? [];
  return (
    containers.length === images.length &&
    containers.every(({ name, image }) => images.some((i) => i.container === name && i.image === image))
  );
};
