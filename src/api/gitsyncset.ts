import { z } from 'zod';
import { conditions, interval, observedGeneration } from './common.ts';
import type { KubeObject, ObjectMeta } from './meta.ts';
import { sourceSpec } from './source.ts';
import { oneOf } from './union.ts';

const folderPattern = z
  .string()
  .min(1)
  .max(256)
  .meta({
    'x-kubernetes-validations': [
      {
        rule: "!self.contains('**') && !self.startsWith('/') && !self.split('/').exists(p, p == '..')",
        message: 'a pattern is e.g. apps/* or clusters/*/prod: without a leading /, without .. and without **',
      },
    ],
  });

export const foldersGenerator = z.strictObject({
  source: sourceSpec.describe('Where the folders are.'),
  pattern: folderPattern.describe(
    'Folders, e.g. `apps/*` or `clusters/*/prod`. `*` is any text within one segment of the path; it stands for no leading dot.',
  ),
  exclude: z
    .array(folderPattern)
    .max(32)
    .default([])
    .describe('Patterns of folders to leave out, with all that is below them.'),
});

export type FoldersGenerator = z.infer<typeof foldersGenerator>;

const text = z.string().max(1024);

const listEntry = z.strictObject({
  name: z.string().min(1).max(253).describe('`{{name}}` in the template.'),
  values: z.record(z.string().max(63), text).default({}).describe('`{{values.KEY}}` in the template.'),
});

const namespaces = z.strictObject({
  matchLabels: z
    .record(z.string(), z.string().max(63))
    .meta({ 'x-kubernetes-validations': [{ rule: 'self.size() > 0', message: 'name at least one label' }] })
    .describe('Labels that the namespaces have.'),
});

const generator = oneOf({
  folders: foldersGenerator.optional().describe('One GitSync for each folder of a source that matches.'),
  list: z.array(listEntry).max(1000).optional().describe('One GitSync for each entry.'),
  namespaces: namespaces
    .optional()
    .describe(
      'One GitSync in each namespace with these labels. Only for a GitSyncSet in the namespace of the controller.',
    ),
});
export type Generator = z.infer<typeof generator>;

const template = z.strictObject({
  metadata: z
    .strictObject({
      name: text
        .min(1)
        .describe('Name of the GitSync. Made a DNS label where it is none: lower case, dashes, at most 63 characters.'),
      labels: z.record(z.string(), text).default({}).describe('Labels of the GitSync.'),
      annotations: z.record(z.string(), text).default({}).describe('Annotations of the GitSync.'),
    })
    .describe('Metadata of the GitSync.'),
  spec: z
    .record(z.string(), z.unknown())
    .default({})
    .meta({ 'x-kubernetes-preserve-unknown-fields': true })
    .describe(
      'Spec of a GitSync, placeholders in its texts. With `folders`: if `source.git.url` is not set, `url`, `ref`, credentials and `verify` are taken from the generator. If `path` is not set, it is the matched folder.',
    ),
});

export const gitSyncSetSpec = z.strictObject({
  generators: z
    .array(generator)
    .min(1)
    .max(16)
    .describe(
      'What there is a GitSync for: all that any of them finds. Two that name the same GitSync make none of it.',
    ),
  template: template.describe(
    'What each GitSync is made from. Texts may hold placeholders: `{{name}}` and `{{namespace}}` everywhere, `{{values.KEY}}` with `list`, `{{path}}`, `{{basename}}`, `{{segment0}}`, `{{segment1}}`... with `folders`. One that nothing stands for is an error.',
  ),
  updatePolicy: z
    .enum(['Sync', 'CreateUpdate', 'CreateOnly'])
    .default('Sync')
    .describe(
      'Sync: create, update, and delete what is no longer generated, as its deletionPolicy says. CreateUpdate: never delete. CreateOnly: never change either. The last two also leave the GitSyncs when the set is deleted.',
    ),
  maxDelete: z
    .int()
    .min(0)
    .optional()
    .describe(
      'How many GitSyncs may be deleted at once; beyond it nothing is deleted and nothing created. 5, or half of those that there are if that is more. The annotation metricops.dev/allow-mass-delete lifts it.',
    ),
  interval: interval
    .default('1m')
    .describe('How often the ref of `folders` is asked for, at least 5s; a push hook makes it immediate.'),
});
export type GitSyncSetSpec = z.infer<typeof gitSyncSetSpec>;

export const gitSyncSetStatus = z.strictObject({
  observedGeneration,
  conditions: conditions.optional(),
  generatedCount: z.int().min(0).optional().describe('How many GitSyncs were generated.'),
  revisions: z
    .array(z.string())
    .max(16)
    .optional()
    .describe('ref@commit of each `folders`, in the order of the generators.'),
});
export type GitSyncSetStatus = z.infer<typeof gitSyncSetStatus>;

export interface GitSyncSet extends KubeObject {
  metadata: ObjectMeta;
  spec: GitSyncSetSpec;
  status?: GitSyncSetStatus;
}
