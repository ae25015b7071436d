import { z } from 'zod';
import { GROUP, VERSION } from './annotations.ts';
import { gitSyncSpec, gitSyncStatus } from './gitsync.ts';
import { gitSyncSetSpec, gitSyncSetStatus } from './gitsyncset.ts';
import { holdSpec, holdStatus } from './hold.ts';
import { incidentSpec, incidentStatus } from './incident.ts';
import { notificationSpec, notificationStatus } from './notification.ts';
import { PLATFORM_POLICY_NAME, platformPolicySpec } from './platform-policy.ts';
import { releaseHistorySpec, releaseHistoryStatus } from './release-history.ts';
import { rollbackPolicySpec, rollbackPolicyStatus } from './rollback-policy.ts';
import { type StructuralSchema, structural } from './structural.ts';

/** A column of `kubectl get`; priority 1 shows with `-o wide` only. */
interface Column {
  name: string;
  type: 'string' | 'integer' | 'number' | 'boolean' | 'date';
  jsonPath: string;
  priority?: 1;
}

export interface KindDefinition {
  kind: string;
  plural: string;
  shortNames: string[];
  /** Namespaced by default. */
  scope?: 'Cluster';
  /** One sentence: what an object of this kind says, and who writes it. */
  description: string;
  spec: z.ZodType;
  /** CEL over the whole object. */
  rules?: { rule: string; message: string }[];
  /** Kinds that nobody reports on have none. */
  status?: z.ZodType;
  columns: Column[];
}

const age: Column = { name: 'Age', type: 'date', jsonPath: '.metadata.creationTimestamp' };
const workload: Column = { name: 'Workload', type: 'string', jsonPath: '.spec.workloadRef.name' };
const workloadKind: Column = { name: 'Kind', type: 'string', jsonPath: '.spec.workloadRef.kind', priority: 1 };
const condition = (type: string, field: 'status' | 'message' | 'reason'): string =>
  `.status.conditions[?(@.type=="${type}")].${field}`;

/** Every kind of the group. The CRDs, the reference documentation and the RBAC tests are made from this table. */
export const kinds: readonly KindDefinition[] = [
  {
    kind: 'GitSync',
    plural: 'gitsyncs',
    shortNames: ['gsync'],
    description:
      'A repository, a ref and a path whose rendered objects the cluster is made equal to. People write the spec.',
    spec: gitSyncSpec,
    status: gitSyncStatus,
    columns: [
      { name: 'Ready', type: 'string', jsonPath: condition('Ready', 'status') },
      { name: 'Status', type: 'string', jsonPath: condition('Ready', 'message') },
      { name: 'Revision', type: 'string', jsonPath: '.status.lastAppliedRevision' },
      { name: 'Held', type: 'string', jsonPath: condition('Held', 'status') },
      { name: 'URL', type: 'string', jsonPath: '.spec.source.git.url', priority: 1 },
      { name: 'Path', type: 'string', jsonPath: '.spec.path', priority: 1 },
      age,
    ],
  },
  {
    kind: 'GitSyncSet',
    plural: 'gitsyncsets',
    shortNames: ['gsets'],
    description:
      'Makes GitSyncs from a template: one for each folder of a repository, entry of a list, or namespace. People write the spec.',
    spec: gitSyncSetSpec,
    status: gitSyncSetStatus,
    columns: [
      { name: 'Ready', type: 'string', jsonPath: condition('Ready', 'status') },
      { name: 'Status', type: 'string', jsonPath: condition('Ready', 'message') },
      { name: 'Syncs', type: 'integer', jsonPath: '.status.generatedCount' },
      { name: 'Revisions', type: 'string', jsonPath: '.status.revisions', priority: 1 },
      age,
    ],
  },
  {
    kind: 'PlatformPolicy',
    plural: 'platformpolicies',
    shortNames: ['ppol'],
    scope: 'Cluster',
    rules: [
      {
        rule: `self.metadata.name == '${PLATFORM_POLICY_NAME}'`,
        message: `the name is ${PLATFORM_POLICY_NAME}: there is one policy for the cluster`,
      },
    ],
    description:
      'Defaults and limits of all GitSyncs and rollbacks in the cluster. Only the one with the name default counts. The operator of the platform writes it.',
    spec: platformPolicySpec,
    columns: [
      { name: 'Restricted', type: 'boolean', jsonPath: '.spec.restrictToNamespace' },
      { name: 'ServiceAccount', type: 'boolean', jsonPath: '.spec.requireServiceAccount' },
      { name: 'Max Mode', type: 'string', jsonPath: '.spec.rollback.maxMode' },
      age,
    ],
  },
  {
    kind: 'ReleaseHistory',
    plural: 'releasehistories',
    shortNames: ['rh'],
    description: 'The recorded releases of one workload, newest first. The controller writes it.',
    spec: releaseHistorySpec,
    status: releaseHistoryStatus,
    columns: [
      workload,
      workloadKind,
      { name: 'Current', type: 'integer', jsonPath: '.spec.currentRelease' },
      { name: 'Last Good', type: 'integer', jsonPath: '.spec.lastGoodRelease' },
      { name: 'Image', type: 'string', jsonPath: '.spec.releases[0].images[0].image', priority: 1 },
      age,
    ],
  },
  {
    kind: 'Hold',
    plural: 'holds',
    shortNames: ['hold'],
    description:
      'What a person, or an incident, says about releases of a workload: roll back, accept, deny. It counts while it exists; deleting a rollback lifts it: its releases may run again on probation.',
    spec: holdSpec,
    status: holdStatus,
    columns: [
      workload,
      workloadKind,
      { name: 'Action', type: 'string', jsonPath: '.spec.action' },
      { name: 'Phase', type: 'string', jsonPath: '.status.phase' },
      { name: 'Target', type: 'integer', jsonPath: '.spec.target.release' },
      { name: 'Requested By', type: 'string', jsonPath: '.metadata.annotations.metricops\\.dev/requested-by' },
      { name: 'Ready', type: 'string', jsonPath: condition('Ready', 'status'), priority: 1 },
      { name: 'Incident', type: 'string', jsonPath: '.spec.incidentRef.name', priority: 1 },
      { name: 'Message', type: 'string', jsonPath: '.spec.message', priority: 1 },
      age,
    ],
  },
  {
    kind: 'RollbackPolicy',
    plural: 'rollbackpolicies',
    shortNames: ['rbp'],
    description:
      'Whom it guards, the objectives that say what a burn is, and what may be done then. One policy counts for a workload: targetRef comes before selector, then the oldest, then the first by name. People write the spec.',
    spec: rollbackPolicySpec,
    status: rollbackPolicyStatus,
    columns: [
      { name: 'Target', type: 'string', jsonPath: '.spec.targetRef.name' },
      { name: 'Mode', type: 'string', jsonPath: '.spec.mode' },
      { name: 'Ready', type: 'string', jsonPath: condition('Ready', 'status') },
      { name: 'Reason', type: 'string', jsonPath: condition('Ready', 'reason') },
      { name: 'Selector', type: 'string', jsonPath: '.spec.selector.matchLabels', priority: 1 },
      { name: 'Message', type: 'string', jsonPath: condition('Ready', 'message'), priority: 1 },
      age,
    ],
  },
  {
    kind: 'Incident',
    plural: 'incidents',
    shortNames: ['inc'],
    description:
      'One release of one workload under suspicion, with the evidence, the verdict and what was done. The controller writes it; in mode Approve a person creates the Hold of status.proposal.',
    spec: incidentSpec,
    status: incidentStatus,
    columns: [
      workload,
      workloadKind,
      { name: 'Suspect', type: 'integer', jsonPath: '.spec.suspect.number' },
      { name: 'Phase', type: 'string', jsonPath: '.status.phase' },
      { name: 'Reason', type: 'string', jsonPath: '.status.reason' },
      { name: 'Needs Person', type: 'string', jsonPath: condition('NeedsPerson', 'status') },
      { name: 'Verdict', type: 'string', jsonPath: '.status.verdict.result', priority: 1 },
      { name: 'Commit', type: 'string', jsonPath: '.spec.suspect.commit', priority: 1 },
      { name: 'Message', type: 'string', jsonPath: '.status.message', priority: 1 },
      age,
    ],
  },
  {
    kind: 'Notification',
    plural: 'notifications',
    shortNames: ['notif'],
    description:
      'Which events of which objects of its namespace are sent where, at least once. One in the namespace of the controller is about all namespaces. People write the spec.',
    spec: notificationSpec,
    status: notificationStatus,
    columns: [
      { name: 'Ready', type: 'string', jsonPath: condition('Ready', 'status') },
      { name: 'Delivered', type: 'string', jsonPath: condition('Delivered', 'status') },
      { name: 'Last Delivery', type: 'date', jsonPath: '.status.lastDeliveryTime' },
      { name: 'Message', type: 'string', jsonPath: condition('Delivered', 'message'), priority: 1 },
      age,
    ],
  },
];

/** The schema of a whole object of the kind. */
export const openAPISchema = (definition: KindDefinition): StructuralSchema => ({
  description: definition.description,
  type: 'object',
  required: ['spec'],
  ...(definition.rules ? { 'x-kubernetes-validations': definition.rules } : {}),
  properties: {
    apiVersion: { type: 'string' },
    kind: { type: 'string' },
    metadata: { type: 'object' },
    spec: structural(z.toJSONSchema(definition.spec, { io: 'input' })),
    ...(definition.status ? { status: structural(z.toJSONSchema(definition.status, { io: 'input' })) } : {}),
  },
});

export interface CustomResourceDefinition {
  apiVersion: 'apiextensions.k8s.io/v1';
  kind: 'CustomResourceDefinition';
  metadata: { name: string; labels: Record<string, string> };
  spec: Record<string, unknown>;
}

export const crdOf = (definition: KindDefinition): CustomResourceDefinition => ({
  apiVersion: 'apiextensions.k8s.io/v1',
  kind: 'CustomResourceDefinition',
  metadata: {
    name: `${definition.plural}.${GROUP}`,
    labels: { 'app.kubernetes.io/name': 'metricops', 'app.kubernetes.io/part-of': 'metricops' },
  },
  spec: {
    group: GROUP,
    scope: definition.scope ?? 'Namespaced',
    names: {
      kind: definition.kind,
      listKind: `${definition.kind}List`,
      plural: definition.plural,
      singular: definition.kind.toLowerCase(),
      shortNames: definition.shortNames.filter((name) => name !== definition.kind.toLowerCase()),
      categories: ['metricops'],
    },
    versions: [
      {
        name: VERSION,
        served: true,
        storage: true,
        ...(definition.status ? { subresources: { status: {} } } : {}),
        additionalPrinterColumns: definition.columns,
        schema: { openAPIV3Schema: openAPISchema(definition) },
      },
    ],
  },
});

export const crds = (): CustomResourceDefinition[] => kinds.map(crdOf);
