import { API_VERSION } from '../../src/api/annotations.ts';
import type { Condition } from '../../src/api/common.ts';
import { type GitSync, gitSyncSpec } from '../../src/api/gitsync.ts';
import type { Hold } from '../../src/api/hold.ts';
import type { Incident } from '../../src/api/incident.ts';
import type { Release, ReleaseHistory, ReleaseRecords } from '../../src/api/release-history.ts';
import { type RollbackPolicy, rollbackPolicySpec } from '../../src/api/rollback-policy.ts';

// Objects of the namespace shop around the Deployment web, as the API server would return them.

export const AT = '2026-01-01T12:00:00Z';

/** Seconds after AT. */
export const at = (seconds: number): string => new Date(Date.parse(AT) + seconds * 1000).toISOString();

export const digestOf = (release: number): string => `v1:${String(release).repeat(64)}`;

export const conditionWith = (type: string, more: Partial<Condition> = {}): Condition => ({
  type,
  status: 'True',
  reason: 'Because',
  message: `${type} says so`,
  lastTransitionTime: AT,
  ...more,
});

const workloadRef = { kind: 'Deployment', name: 'web' } as const;

export const release = (number: number, more: Partial<Release> = {}): Release => ({
  number,
  sourceDigest: digestOf(number),
  workloadUID: 'uid',
  images: [{ container: 'web', image: `example.com/web:v${number}` }],
  firstSeenTime: AT,
  outcome: 'Superseded',
  ...more,
});

export const history = (records: ReleaseRecords): ReleaseHistory => ({
  apiVersion: API_VERSION,
  kind: 'ReleaseHistory',
  metadata: { namespace: 'shop', name: 'deployment-web' },
  spec: { workloadRef, ...records },
});

export const incident = (
  name: string,
  status: Incident['status'],
  { createdTime = AT, ...spec }: Partial<Incident['spec']> & { createdTime?: string } = {},
): Incident => ({
  apiVersion: API_VERSION,
  kind: 'Incident',
  metadata: { namespace: 'shop', name, creationTimestamp: createdTime },
  spec: { workloadRef, evidence: [], ...spec },
  ...(status === undefined ? {} : { status }),
});

/** Rolls web back from release 3 to release 2, unless `spec` says another. */
export const hold = (name: string, status?: Hold['status'], spec: Partial<Hold['spec']> = {}): Hold => ({
  apiVersion: API_VERSION,
  kind: 'Hold',
  metadata: { namespace: 'shop', name, creationTimestamp: AT, annotations: { 'metricops.dev/requested-by': 'eve' } },
  spec: {
    workloadRef,
    action: 'Rollback',
    rejectedDigests: [digestOf(3)],
    target: { release: 2, sourceDigest: digestOf(2), snapshotRef: { name: 's-2' } },
    origin: 'Manual',
    ...spec,
  },
  ...(status === undefined ? {} : { status }),
});

export const policy = (name: string, spec: object, conditions: Condition[] = []): RollbackPolicy => ({
  apiVersion: API_VERSION,
  kind: 'RollbackPolicy',
  metadata: { namespace: 'shop', name, creationTimestamp: AT },
  spec: rollbackPolicySpec.parse(spec),
  status: { conditions },
});

export const gitSync = (name: string, status: GitSync['status'], spec: object = {}): GitSync => ({
  apiVersion: API_VERSION,
  kind: 'GitSync',
  metadata: { namespace: 'shop', name },
  spec: gitSyncSpec.parse({ source: { git: { url: 'https://git.example.com/shop.git' } }, ...spec }),
  ...(status === undefined ? {} : { status }),
});
