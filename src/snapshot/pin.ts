import type { KubeObject } from '../api/meta.ts';
import type { Release } from '../api/release-history.ts';

export interface ImagePin {
  container: string;
  /** repository@sha256:... */
  image: string;
}

/**
 * Images of a release that have to be restored by digest: the same reference was pulled with another content by some
 * other release, so the tag no longer says which is meant.
 */
export const pinsFor = (target: Release, releases: readonly Release[]): ImagePin[] =>
  target.images.flatMap(({ container, image, imageID }) => {
    if (imageID === undefined || !imageID.includes('@')) return []; // loaded by hand: there is nothing to pull by
    const moved = releases.some((r) =>
      r.images.some((i) => i.image === image && i.imageID !== undefined && i.imageID !== imageID),
    );
    return moved ? [{ container, image: imageID }] : [];
  });

type Container = { name: string; image?: string };
type PodSpec = { containers?: Container[]; initContainers?: Container[] };

/** The workload with those containers' images replaced. */
export const withPins = (workload: KubeObject, pins: readonly ImagePin[] | undefined): KubeObject => {
  if (pins === undefined || pins.length === 0) return workload;
  const copy = structuredClone(workload);
  const { spec = {} } = ((copy.spec as { template?: { spec?: PodSpec } } | undefined)?.template ?? {}) as {
    spec?: PodSpec;
  };
  for (const container of [...(spec.containers ?? []), ...(spec.initContainers ?? [])]) {
    const pin = pins.find((p) => p.container === container.name);
    if (pin) container.image = pin.image;
  }
  return copy;
};
