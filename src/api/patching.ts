import { z } from 'zod';
import { image, patch } from './kustomize-spec.ts';

const NEEDS_TARGET = 'a JSON 6902 patch needs a target';
const NO_CHANGE = 'set newName, newTag, or digest';

/** Of each list: one kustomize process applies them all. */
const MAX_ENTRIES = 50;

const anyPatch = patch
  .refine(({ patch: text, target }) => target !== undefined || !/^\s*(\[|-\s)/.test(text), NEEDS_TARGET)
  .meta({
    'x-kubernetes-validations': [
      { rule: "has(self.target) || !self.patch.matches(r'^\\s*(\\[|-\\s)')", message: NEEDS_TARGET },
    ],
  });
export type Patch = z.infer<typeof anyPatch>;

const anyImage = image
  .extend({
    // kustomize reads it as a regular expression, and crashes where it is none.
    name: z
      .string()
      .regex(/^[a-zA-Z0-9][a-zA-Z0-9._:/-]*$/)
      .max(255)
      .meta({ patternMessage: 'name is an image without tag and digest, e.g. ghcr.io/org/web' })
      .describe('Image in the rendered objects, without its tag.'),
  })
  .refine(
    ({ newName, newTag, digest }) => newName !== undefined || newTag !== undefined || digest !== undefined,
    NO_CHANGE,
  )
  .meta({
    'x-kubernetes-validations': [
      { rule: 'has(self.newName) || has(self.newTag) || has(self.digest)', message: NO_CHANGE },
    ],
  });
export type Image = z.infer<typeof anyImage>;

/** The names and the order of Flux: first the patches, one after another, then the images. */
export const patches = z.array(anyPatch).max(MAX_ENTRIES);
export const images = z.array(anyImage).max(MAX_ENTRIES);

/** What is changed in rendered objects. */
export interface Patching {
  patches: readonly Patch[];
  images: readonly Image[];
}
