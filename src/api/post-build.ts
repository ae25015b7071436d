import { z } from 'zod';
import { localName } from './common.ts';

const variableSource = z.strictObject({
  kind: z.enum(['ConfigMap', 'Secret']).describe('Kind of the object.'),
  name: localName.describe('Its name.'),
  optional: z.boolean().default(false).describe('Whether it may be missing.'),
});
export type VariableSource = z.infer<typeof variableSource>;

/** The fields of Flux. */
export const postBuild = z.strictObject({
  substitute: z
    .record(z.string(), z.string().max(4096))
    .default({})
    .describe('Variables, by name. They win over those of substituteFrom.'),
  substituteFrom: z
    .array(variableSource)
    .max(32)
    .default([])
    .describe(
      'ConfigMaps and Secrets of this namespace whose entries are variables, a later one winning over an earlier one. With serviceAccountName they are read as that account.',
    ),
});
export type PostBuild = z.infer<typeof postBuild>;
