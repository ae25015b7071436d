import type { RollbackHold } from '../../src/api/hold.ts';
import type { Incident, IncidentStatus, Verdict } from '../../src/api/incident.ts';
import type { RestorableRelease } from '../../src/api/release-history.ts';
import { guardrails } from '../../src/api/rollback-policy.ts';
import type { Observation } from '../../src/incident/observation.ts';

/** Noon; everything below is around it. */
export const NOON = Date.parse('2026-01-01T12:00:00Z');
export const at = (seconds: number): string => new Date(NOON + seconds * 1000).toISOString();
export const digest = (n: number): string => `v1:${String(n).repeat(64)}`;

export const release = (number: number, rest: Partial<RestorableRelease> = {}): RestorableRelease => ({
  number,
  sourceDigest: digest(number),
  workloadUID: 'u',
  images: [],
  snapshotRef: { name: `s${number}` },
  firstSeenTime: at(-3600),
  outcome: 'Active',
  ...rest,
});

export const verdict = (result: Verdict['result'], rest: Partial<Verdict> = {}): Verdict => ({
  result,
  reason: 'ErrorRateIncreased',
  message: 'because',
  time: at(0),
  ...rest,
});

export type Evidence = Incident['spec']['evidence'][number];
export const evidence = (rest: Partial<Evidence> = {}): Evidence => ({
  source: 'Alertmanager',
  fingerprint: 'f',
  alert: 'Burn',
  status: 'firing',
  labels: {},
  receivedTime: at(-1),
  lastReceivedTime: at(-1),
  ...rest,
});

/** Of Deployment shop/web; release 2 is under suspicion. */
export const incident = (status?: IncidentStatus, spec: Partial<Incident['spec']> = {}): Incident => ({
  apiVersion: 'metricops.dev/v1alpha1',
  kind: 'Incident',
  metadata: { name: 'i', namespace: 'shop', generation: 1, creationTimestamp: at(-1) },
  spec: {
    workloadRef: { kind: 'Deployment', name: 'web' },
    suspect: { number: 2, sourceDigest: digest(2) },
    evidence: [evidence()],
    ...spec,
  },
  ...(status ? { status } : {}),
});

/** What leads to a rollback of release 2 to release 1. */
export const observation = (rest: Partial<Observation> = {}): Observation => ({
  history: { currentRelease: 2, releases: [release(2), release(1)] },
  suspect: release(2),
  policy: guardrails.parse({ mode: 'Auto' }),
  objectives: [],
  verdict: verdict('Guilty'),
  caution: undefined,
  target: { release: release(1) },
  isTargetFit: true,
  hold: undefined,
  refusal: undefined,
  waiting: undefined,
  companions: [],
  refused: undefined,
  answer: undefined,
  paused: false,
  missing: false,
  otherTool: undefined,
  rollbacks: [],
  alertDelay: 360_000,
  sharedLimits: [],
  successor: undefined,
  silence: { is: 'Audible' },
  isRollbackResult: false,
  restored: false,
  burning: true,
  restoredRatio: 'Unknown',
  unpulled: undefined,
  isOfGitSync: true,
  firing: true,
  opened: NOON - 1000,
  ...rest,
});

/** Of release 2, to release 1. */
export const hold = (status?: RollbackHold['status'], generation = 1): RollbackHold =>
  ({
    metadata: { name: 'h', namespace: 'shop', generation },
    spec: {
      rejectedDigests: [digest(2)],
      target: { release: 1, sourceDigest: digest(1), snapshotRef: { name: 's1' } },
    },
    ...(status ? { status: { observedGeneration: 1, ...status } } : {}),
  }) as RollbackHold;
