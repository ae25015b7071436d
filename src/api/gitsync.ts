import { z } from 'zod';
import { conditions, digest, duration, interval, localName, nameRef, observedGeneration, time } from './common.ts';
import { decryption } from './decryption.ts';
import { helmSpec } from './helm-spec.ts';
import { HOOK_PHASES } from './hooks.ts';
import { kustomizeSpec } from './kustomize-spec.ts';
import type { KubeObject, ObjectMeta } from './meta.ts';
import { images, patches } from './patching.ts';
import { postBuild } from './post-build.ts';
import { sourceSpec } from './source.ts';
import { oneOf } from './union.ts';
import { workloadRef } from './workload.ts';

const kindPattern = z.string().min(1).max(253);

/** Fields that belong to somebody else; the members are those of Argo CD's ignoreDifferences. */
export const ignoreRule = z
  .strictObject({
    group: kindPattern.optional().describe('API group of the objects; any where it is not set.'),
    kind: kindPattern.optional().describe('Their kind; any where it is not set.'),
    namespace: z.string().max(253).optional().describe('Their namespace; any where it is not set.'),
    name: z.string().max(253).optional().describe('Their name; any where it is not set.'),
    jsonPointers: z
      .array(
        z
          .string()
          .regex(/^(\/[^/]*)+$/)
          .max(512)
          .meta({ patternMessage: 'a field is a JSON pointer, e.g. /spec/replicas' }),
      )
      .max(32)
      .default([])
      .describe('Fields, as JSON pointers (RFC 6901). `*` stands for every item of a list.'),
    managedFieldsManagers: z
      .array(z.string().min(1).max(128))
      .max(16)
      .default([])
      .describe('Field managers: what one of them owns in the live object is left to it.'),
  })
  .meta({
    'x-kubernetes-validations': [
      {
        rule: 'self.jsonPointers.size() + self.managedFieldsManagers.size() > 0',
        message: 'name jsonPointers, managedFieldsManagers, or both',
      },
    ],
  });
export type IgnoreRule = z.infer<typeof ignoreRule>;

const expression = z.string().min(1).max(2048);

/** When an object of a kind that Kubernetes does not bring along is healthy, in CEL over its fields (`spec`, `status`, `metadata`, `data`). */
export const healthCheck = z.strictObject({
  apiVersion: kindPattern.describe('Of the kind, e.g. example.com/v1.'),
  kind: kindPattern.describe('Kind of the objects.'),
  current: expression.describe('CEL: true when the object is healthy, e.g. status.phase == "Ready".'),
  inProgress: expression.optional().describe('CEL: true while it is still being worked on; asked first.'),
  failed: expression.optional().describe('CEL: true when it has failed and waiting is useless; asked second.'),
});
export type HealthCheck = z.infer<typeof healthCheck>;

export const renderSpec = oneOf({
  plain: z.strictObject({}).optional().describe('Every YAML and JSON file below the folder, as it is.'),
  kustomize: kustomizeSpec.optional().describe('What `kustomize build` makes of the folder.'),
  helm: helmSpec
    .optional()
    .describe('What `helm template` makes of a chart. Its hooks are run only where `hooks` says so.'),
});
export type RenderSpec = z.infer<typeof renderSpec>;

export const gitSyncSpec = z.strictObject({
  source: sourceSpec.describe('Where the manifests come from.'),
  path: z
    .string()
    .max(1024)
    .default('.')
    .describe('Folder in the source.')
    .meta({
      'x-kubernetes-validations': [
        {
          rule: "!self.startsWith('/') && !self.split('/').exists(p, p == '..')",
          message: 'path stays inside the repository: no leading / and no ..',
        },
      ],
    }),
  interval: interval
    .default('1m')
    .describe('How often the ref is asked for, at least 5s; a push hook makes it immediate.'),
  timeout: duration
    .default('5m')
    .describe('For one fetch (at most 10m), render and apply, and for waiting until objects are healthy.'),
  render: renderSpec
    .optional()
    .describe(
      'How. If it is not set: kustomize where the folder has a kustomization file, Helm where it has a Chart.yaml, plain YAML otherwise.',
    ),
  ignore: z
    .string()
    .max(4096)
    .optional()
    .describe(
      'Files of a folder of plain YAML to leave out, as .gitignore writes them, one pattern a line, from the root of the source. Beside it count .sourceignore files from the root down to the path, and before both the configuration files of CI systems are left out; `!` brings back.',
    ),
  patches: patches
    .optional()
    .describe(
      'Patches on the rendered objects, of whatever renderer, one after another. They come before spec.images and spec.postBuild.',
    ),
  images: images
    .optional()
    .describe('Images to replace in the containers of the rendered objects, after spec.patches.'),
  decryption: decryption
    .optional()
    .describe(
      'Keys for what SOPS encrypted in the source. The clear text is in no file on a disk, and in no object but those that are applied.',
    ),
  postBuild: postBuild
    .optional()
    .describe(
      'Variables for the rendered objects, in the syntax of Flux: `${NAME}`, `${NAME:=default}`; `$${NAME}` stays as it is. A variable that is not set and has no default is an error. The annotation metricops.dev/substitute: disabled leaves an object as it is.',
    ),
  prune: z.boolean().default(true).describe('Delete objects that left the repository.'),
  allowEmpty: z.boolean().default(false).describe('Let an empty render prune everything.'),
  maxPrune: z
    .string()
    .regex(/^(100|[1-9]?[0-9])%$/)
    .max(4)
    .default('50%')
    .describe(
      'How much of the inventory one sync may delete; more waits for a person, who annotates the GitSync as its condition PrunePending says. Counted from 10 objects on.',
    )
    .meta({ patternMessage: 'maxPrune is a percentage from 0% to 100%' }),
  drift: z
    .enum(['Correct', 'Report'])
    .default('Correct')
    .describe('What to do when an applied object is changed by hand.'),
  wait: z.boolean().default(false).describe('Ready only when every applied object is healthy.'),
  healthCheckExprs: z
    .array(healthCheck)
    .max(32)
    .default([])
    .describe('With wait: when objects of custom kinds are healthy. Without an entry their conditions say it.'),
  ignoreDifferences: z
    .array(ignoreRule)
    .max(32)
    .default([])
    .describe('Fields that another tool or person owns: applied when the object is made, left alone afterwards.'),
  adopt: z
    .boolean()
    .default(false)
    .describe('Take over objects that kubectl apply, Helm, Flux or Argo CD applied; stop that tool first.'),
  deletionPolicy: z
    .enum(['MirrorPrune', 'Delete', 'Orphan'])
    .default('MirrorPrune')
    .describe(
      "What becomes of the objects when this GitSync is deleted. MirrorPrune: Delete if prune is set. Orphan: they stay, and are nobody's. Of a suspended GitSync all stay as they are.",
    ),
  suspend: z
    .boolean()
    .default(false)
    .describe('Stop syncing. Rollbacks still happen. Deleted while suspended, it deletes nothing.'),
  dependsOn: z
    .array(z.strictObject({ name: localName.describe('Its name.') }))
    .max(64)
    .default([])
    .describe('GitSyncs in this namespace that must be Ready first.'),
  targetNamespace: z
    .string()
    .max(63)
    .optional()
    .describe('Namespace for namespaced objects that name none, and replacement for those that do.'),
  serviceAccountName: localName.optional().describe('ServiceAccount of this namespace to impersonate for every write.'),
});
export type GitSyncSpec = z.infer<typeof gitSyncSpec>;
/** As people write it: what has a default may be left out. */
export type GitSyncInput = z.input<typeof gitSyncSpec>;

const driftEntry = z.strictObject({
  id: z.string().describe('namespace_name_group_kind'),
  fieldManagers: z.array(z.string()).optional().describe('Field managers of the changed fields.'),
  changes: z
    .array(
      z.strictObject({
        path: z.string().describe('JSON pointer.'),
        applied: z.string().optional().describe('What Git says, as JSON; masked in Secrets.'),
        live: z.string().optional().describe('What is there, as JSON; masked in Secrets.'),
      }),
    )
    .max(20)
    .describe('The fields that differ; the first 20.'),
});
export type DriftEntry = z.infer<typeof driftEntry>;

/** Skipped: a part of the revision is held. */
export const HOOK_STATES = ['Pending', 'Running', 'Succeeded', 'Failed', 'Skipped'] as const;
export type HookState = (typeof HOOK_STATES)[number];

const hookEntry = z.strictObject({
  kind: z.string().max(63).describe('Of the object that is run, e.g. Job, or of one that such a Job needs.'),
  namespace: z.string().max(253).optional().describe('Its namespace.'),
  name: z.string().max(253).describe('Its name.'),
  phase: z
    .enum(HOOK_PHASES)
    .describe('PreSync: before the revision is applied. PostSync: once it is healthy. SyncFail: when it failed.'),
  state: z.enum(HOOK_STATES).describe('How far it is. Skipped: not run, for a part of the revision is held.'),
  startTime: time.optional().describe('When it was made.'),
  finishTime: time.optional().describe('When it ended.'),
  reason: z
    .string()
    .max(128)
    .optional()
    .describe(
      'Why it failed, in one word: that of its Job, e.g. BackoffLimitExceeded; Overdue: nobody ended the Job in time; Deleted, Renamed: whether it did its work is not known; Terminating: what was there under its name does not go; or why it could not be made, e.g. HookRefused.',
    ),
  message: z.string().max(512).optional().describe('What it waits for, or why it failed.'),
});
export type HookEntry = z.infer<typeof hookEntry>;

const hookRun = z.strictObject({
  revision: z.string().max(512).describe('ref@commit for which the hooks are run.'),
  state: z.enum(['Running', 'Succeeded', 'Failed']).describe('How far all of them are.'),
  version: z.string().max(64).describe('Digest of what was rendered: the commit, the spec, variables and values.'),
  content: z.string().max(64).describe('Digest of the rendered objects and hooks.'),
  hooksContent: z.string().max(64).describe('Digest of the hooks.'),
  id: z
    .string()
    .max(64)
    .describe('Of this run: what it makes is marked with it. Another one when a person asks for it.'),
  isInstall: z
    .boolean()
    .describe('Whether nothing was applied before: Helm has hooks of an install, and of an upgrade.'),
  requestedAt: z
    .string()
    .max(256)
    .describe(
      'Value of the annotation metricops.dev/requested-at when it began, or when a hook was seen to fail; or nothing.',
    ),
});

/** Of one GitSync; each may run in more than one phase. */
export const MAX_HOOKS = 32;

/** More of them than a status should name: they are rendered again. */
export const MAX_INPUTS = 16;

export const gitSyncStatus = z.strictObject({
  observedGeneration,
  conditions: conditions.optional(),
  lastAttemptedRevision: z.string().optional().describe('ref@commit that was last tried.'),
  lastAppliedRevision: z
    .string()
    .optional()
    .describe('ref@commit that was last applied (with held parts at their last good release).'),
  appliedVersion: z
    .string()
    .max(64)
    .optional()
    .describe('Digest of what it was rendered from: the commit, the spec, variables and values.'),
  appliedChart: z
    .strictObject({
      version: z.string().max(128).describe('Of the chart.'),
      digest: z.string().max(80).describe('SHA-256 of its archive.'),
    })
    .optional()
    .describe('The version of spec.render.helm.chart that was last applied.'),
  heldRevision: z.string().optional().describe('ref@commit of which a part is held back.'),
  heldRevisionTime: time.optional().describe('Since when a part of that revision is held back.'),
  held: z
    .array(
      z.strictObject({
        workloadRef: workloadRef.extend({ namespace: z.string().describe('Its namespace.') }).describe('The workload.'),
        holdRef: z
          .strictObject({ name: z.string().describe('Its name.') })
          .describe('The Hold, in the namespace of the workload.'),
        digest: digest.describe('What Git asks for and the Hold keeps out.'),
        targetRelease: z.int().min(1).optional().describe('Number of the release that runs instead.'),
        heldTime: time.optional().describe('Since when there is the Hold.'),
        incidentRef: nameRef.optional().describe('Incident for which it is held, in the namespace of the workload.'),
      }),
    )
    .optional()
    .describe('Workloads that a Hold keeps at an earlier release.'),
  inventory: z
    .strictObject({
      entries: z
        .array(
          z.strictObject({
            id: z.string().describe('namespace_name_group_kind'),
            v: z.string().describe('Version of the API group.'),
            sent: z.string().max(64).optional().describe('Digest of what was applied, and how.'),
            noted: z
              .string()
              .max(64)
              .optional()
              .describe('Digest of what the API server noted about that apply; a change by somebody else moves it.'),
          }),
        )
        .describe('One for each object; in the form of Flux.'),
    })
    .optional()
    .describe('The objects that this GitSync applied.'),
  inventoryKinds: z
    .array(
      z.strictObject({
        group: z.string().describe('API group.'),
        kind: z.string().describe('Kind.'),
        objectCount: z.int().min(0).describe('How many objects of the kind there are.'),
      }),
    )
    .optional()
    .describe('Instead of inventory above 1,000 objects: the kinds. The objects themselves carry the label.'),
  inventoryDigests: z
    .array(z.string().max(64))
    .max(256)
    .optional()
    .describe('Instead of sent and noted of each object above 1,000: one digest for each of 256 groups of objects.'),
  plannedFrom: z
    .strictObject({
      digest: z
        .string()
        .max(64)
        .describe('Digest of the spec, the policy of the platform, and what the cluster says about the objects.'),
      inputs: z
        .array(
          z.strictObject({
            path: z.string().max(1024).describe('In the source.'),
            id: z.string().max(128).describe('Of its content: an object id of Git.'),
          }),
        )
        .max(MAX_INPUTS)
        .describe('The folders and files that were rendered.'),
      isChart: z
        .boolean()
        .optional()
        .describe('Whether a Helm chart was: what the cluster serves is part of the digest then.'),
    })
    .optional()
    .describe(
      'What was applied in full is the plan of this. The next process does not render it again while it is the same. None where a part is held, waits, or differs.',
    ),
  prunePending: z
    .array(
      z.strictObject({
        id: z.string().describe('namespace_name_group_kind'),
        reason: z.string().describe('From the catalogue of reasons.'),
        message: z.string().describe('What it waits for, and what a person can do.'),
      }),
    )
    .max(50)
    .optional()
    .describe('Objects that left Git and are not deleted yet; the first 50.'),
  drift: z
    .array(driftEntry)
    .max(20)
    .optional()
    .describe('Objects that differ from what was applied, where spec.drift is Report.'),
  hookRun: hookRun
    .optional()
    .describe('The revision for which hooks were last run; with none in hooks, it was applied before they were known.'),
  hooks: z
    .array(hookEntry)
    .max(MAX_HOOKS * HOOK_PHASES.length)
    .optional()
    .describe('Its hooks, in the order in which they run.'),
  lastHandledReconcileAt: z
    .string()
    .optional()
    .describe('Value of the annotation metricops.dev/requested-at that was last acted on.'),
  lastSyncTime: time.optional().describe('When objects were last applied.'),
  objectCount: z.int().min(0).optional().describe('How many objects the inventory has.'),
});
export type GitSyncStatus = z.infer<typeof gitSyncStatus>;

export interface GitSync extends KubeObject {
  metadata: ObjectMeta;
  spec: GitSyncSpec;
  status?: GitSyncStatus;
}
