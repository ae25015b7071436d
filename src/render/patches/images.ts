import type { KubeObject } from '../../api/meta.ts';
import { createLoopYielder } from '../../loop-yielder.ts';

/** The images that kustomize replaces: of containers at any depth, and of the volumes of pods. */
export const imagesIn = (object: KubeObject): string[] => {
  if (object.kind === 'CustomResourceDefinition') return [];
  const found: string[] = [];
  const visit = (value: unknown): void => {
    if (typeof value !== 'object' || value === null) return;
    for (const [field, member] of Object.entries(value)) {
      if (Array.isArray(member)) for (const item of member) add(field, item);
      visit(member);
    }
  };
  const add = (field: string, item: unknown): void => {
    if (typeof item !== 'object' || item === null) return;
    const { image } = item as { image?: unknown };
    const reference = field === 'volumes' ? (image as { reference?: unknown } | null | undefined)?.reference : image;
    if (LISTS.has(field) && typeof reference === 'string') found.push(reference);
  };
  visit(object);
  return found;
};

/** Of those that have any. */
export const imagesOf = async (objects: readonly KubeObject[]): Promise<Map<KubeObject, string[]>> => {
  const breathe = createLoopYielder();
  const found = new Map<KubeObject, string[]>();
  for (const object of objects) {
    await breathe();
    const images = imagesIn(object);
    if (images.length > 0) found.set(object, images);
  }
  return found;
};

const LISTS = new Set(['containers', 'initContainers', 'volumes']);

/** Whether it is this image, of whatever tag and digest. */
export const isImage = (image: string, name: string): boolean =>
  image === name || image.startsWith(`${name}:`) || image.startsWith(`${name}@`);
