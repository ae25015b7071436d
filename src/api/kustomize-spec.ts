import { z } from 'zod';

const selected = z.string().min(1).max(253).optional();

export const patch = z.strictObject({
  patch: z.string().min(1).max(16_384).describe('A strategic merge patch, or a JSON 6902 patch, as YAML or JSON.'),
  target: z
    .strictObject({
      group: selected.describe('API group.'),
      version: selected.describe('Version of the API.'),
      kind: selected.describe('Kind.'),
      name: selected.describe('Name, as a regular expression.'),
      namespace: selected.describe('Namespace, as a regular expression.'),
      labelSelector: selected.describe('Labels that the objects have.'),
      annotationSelector: selected.describe('Annotations that the objects have.'),
    })
    .optional()
    .describe('The objects to patch; a strategic merge patch may name its object itself.'),
});

export const image = z.strictObject({
  name: z.string().min(1).max(255).describe('Image in the manifests, without its tag.'),
  newName: z.string().min(1).max(255).optional().describe('What to use instead.'),
  newTag: z.string().min(1).max(128).optional().describe('Its tag.'),
  digest: z
    .string()
    .regex(/^sha256:[0-9a-f]{64}$/)
    .max(71)
    .meta({ patternMessage: 'a digest is sha256: and 64 hexadecimal digits' })
    .optional()
    .describe('Its digest, which wins over the tag.'),
});

/** As in a kustomization.yaml on top of the folder's own; the names are those of Flux, too. */
export const kustomizeSpec = z.strictObject({
  patches: z.array(patch).max(32).optional().describe('Patches on what the folder builds.'),
  images: z.array(image).max(64).optional().describe('Images to replace in it.'),
});
export type KustomizeSpec = z.infer<typeof kustomizeSpec>;
