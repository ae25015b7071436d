import { z } from 'zod';
import { conditions, digest, duration, time } from './common.ts';
import type { KubeObject, ObjectMeta } from './meta.ts';
import { workloadRef } from './workload.ts';

const gitRef = z
  .strictObject({
    branch: z.string().min(1).max(244).optional().describe('Branch to follow.'),
    tag: z.string().min(1).max(244).optional().describe('Tag to apply.'),
    commit: z
      .string()
      .regex(/^[0-9a-f]{40}$/)
      .max(40)
      .meta({ patternMessage: 'commit is the full SHA-1: 40 hexadecimal digits' })
      .optional()
      .describe('Full commit SHA to apply; must be reachable from a branch or tag.'),
  })
  .meta({
    'x-kubernetes-validations': [
      {
        rule: '(has(self.branch) ? 1 : 0) + (has(self.tag) ? 1 : 0) + (has(self.commit) ? 1 : 0) == 1',
        message: 'set exactly one of branch, tag and commit',
      },
    ],
  });
export type GitRef = z.infer<typeof gitRef>;

export const gitSyncSpec = z.strictObject({
  url: z
    .string()
    .regex(/^https?:\/\/[^\s@]+$/)
    .max(2048)
    .describe('Repository over HTTP or HTTPS, without credentials in it.')
    .meta({
      patternMessage:
        'url is http:// or https:// without user or password in it; credentials go into a Secret named by secretRef',
    }),
  secretRef: z
    .strictObject({ name: z.string().min(1).max(253) })
    .optional()
    .describe('Secret in this namespace: username and password (basic), or token (bearer); ca.crt for a private CA.'),
  ref: gitRef.default({ branch: 'main' }).describe('What to follow; branch main by default.'),
  path: z
    .string()
    .max(1024)
    .default('.')
    .describe('Folder in the repository.')
    .meta({
      'x-kubernetes-validations': [
        {
          rule: "!self.startsWith('/') && !self.split('/').exists(p, p == '..')",
          message: 'path stays inside the repository: no leading / and no ..',
        },
      ],
    }),
  interval: duration.default('1m').describe('How often the ref is asked for; a push hook makes it immediate.'),
  timeout: duration
    .default('5m')
    .describe('For one fetch, render and apply, and for waiting until objects are healthy.'),
  render: z
    .enum(['Auto', 'Plain', 'Kustomize'])
    .default('Auto')
    .describe('Auto: kustomize where the folder has a kustomization file, plain YAML otherwise.'),
  prune: z.boolean().default(true).describe('Delete objects that left the repository.'),
  allowEmpty: z.boolean().default(false).describe('Let an empty render prune everything.'),
  drift: z
    .enum(['Correct', 'Report'])
    .default('Correct')
    .describe('What to do when an applied object is changed by hand.'),
  wait: z.boolean().default(false).describe('Ready only when every applied object is healthy.'),
  suspend: z.boolean().default(false).describe('Stop syncing. Rollbacks still happen.'),
  dependsOn: z
    .array(z.strictObject({ name: z.string().min(1).max(253) }))
    .max(64)
    .default([])
    .describe('GitSyncs in this namespace that must be Ready first.'),
  targetNamespace: z
    .string()
    .max(63)
    .optional()
    .describe('Namespace for namespaced objects that name none, and replacement for those that do.'),
  serviceAccountName: z
    .string()
    .max(253)
    .optional()
    .describe('ServiceAccount of this namespace to impersonate for every write.'),
});
export type GitSyncSpec = z.infer<typeof gitSyncSpec>;

export const gitSyncStatus = z.strictObject({
  observedGeneration: z.int().min(0).optional(),
  conditions: conditions.optional(),
  attemptedRevision: z.string().optional().describe('ref@commit that was last tried.'),
  appliedRevision: z
    .string()
    .optional()
    .describe('ref@commit that was last applied (with held parts at their last good release).'),
  heldRevision: z.string().optional().describe('ref@commit of which a part is held back.'),
  held: z
    .array(z.strictObject({ workload: workloadRef.extend({ namespace: z.string() }), hold: z.string(), digest }))
    .optional(),
  inventory: z
    .array(
      z.strictObject({ id: z.string().describe('namespace_name_group_kind'), v: z.string().describe('API version') }),
    )
    .optional(),
  lastHandledRequest: z.string().optional(),
  lastSyncTime: time.optional(),
  objects: z.int().min(0).optional().describe('How many objects the inventory has.'),
});
export type GitSyncStatus = z.infer<typeof gitSyncStatus>;

export interface GitSync extends KubeObject {
  metadata: ObjectMeta;
  spec: GitSyncSpec;
  status?: GitSyncStatus;
}
