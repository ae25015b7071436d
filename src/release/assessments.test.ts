import assert from 'node:assert/strict';
import { describe, it } from 'mocha';
import { API_VERSION, annotations } from '../api/annotations.ts';
import type { Hold } from '../api/hold.ts';
import type { Incident, IncidentStatus } from '../api/incident.ts';
import type { KubeObject } from '../api/meta.ts';
import type { Release } from '../api/release-history.ts';
import { type RollbackPolicy, rollbackPolicySpec } from '../api/rollback-policy.ts';
import type { WatchCache } from '../kube/types.ts';
import { alertRulesOf, assessmentsOf } from './assessments.ts';

const key = { kind: 'Deployment', namespace: 'shop', name: 'web' } as const;
const workload = { kind: 'Deployment', name: 'web' } as const;
const digest = (letter: string): string => `v1:${letter.repeat(64)}`;
const since = '2026-03-01T12:00:00Z';

const cache = <T extends KubeObject>(...objects: T[]): WatchCache<T> => ({
  get: ({ name }) => objects.find((o) => o.metadata.name === name),
  list: (namespace) => objects.filter((o) => o.metadata.namespace === namespace),
  onChange: () => () => {},
  ready: async () => {},
  stop: async () => {},
});
const metadata = (name: string, namespace = 'shop') => ({ name, namespace, creationTimestamp: since });
const hold = (rejected: string, change: object = {}): Hold => ({
  apiVersion: API_VERSION,
  kind: 'Hold',
  metadata: metadata('hold'),
  spec: {
    workloadRef: workload,
    action: 'Rollback',
    rejectedDigests: [digest(rejected)],
    target: { release: 1, sourceDigest: digest('a'), snapshotRef: { name: 's' } },
    origin: 'Incident',
    incidentRef: { name: 'web-1' },
    ...change,
  },
});
const incident = (suspect: string, status: IncidentStatus | undefined): Incident => ({
  apiVersion: API_VERSION,
  kind: 'Incident',
  metadata: metadata(`incident-${suspect}`),
  spec: { workloadRef: workload, suspect: { number: 1, sourceDigest: digest(suspect) }, evidence: [] },
  ...(status ? { status } : {}),
});
const policy = (name: string, spec: object): RollbackPolicy => ({
  apiVersion: API_VERSION,
  kind: 'RollbackPolicy',
  metadata: metadata(name),
  spec: rollbackPolicySpec.parse(spec),
});
const caches = (objects: { holds?: Hold[]; incidents?: Incident[]; policies?: RollbackPolicy[] }) => ({
  holds: cache(...(objects.holds ?? [])),
  incidents: cache(...(objects.incidents ?? [])),
  rollbackPolicies: cache(...(objects.policies ?? [])),
  workloads: { Deployment: cache(), StatefulSet: cache(), DaemonSet: cache() },
});

describe('what is said about the releases of a workload', () => {
  it('is nothing where there is nothing', () => {
    const { soakMs, ...rest } = assessmentsOf(key, [], caches({}));
    assert.equal(soakMs, 600_000);
    for (const said of Object.values(rest)) assert.equal(said.size, 0);
  });

  it('comes from the holds of this workload, and of no other', () => {
    const others = [
      hold('c', { workloadRef: { kind: 'StatefulSet', name: 'web' } }),
      { ...hold('d'), metadata: metadata('hold', 'other') },
    ];
    const { rejected, targets } = assessmentsOf(key, [], caches({ holds: [hold('b'), ...others] }));
    assert.deepEqual([...rejected], [[digest('b'), { time: since, incident: 'web-1' }]]);
    assert.deepEqual([...targets], [digest('a')]);
  });

  it('is a suspicion while an incident is open or found it guilty; afterwards the soak starts again', () => {
    const suspicion = (status: IncidentStatus | undefined): number | undefined =>
      assessmentsOf(key, [], caches({ incidents: [incident('b', status)] })).suspected.get(digest('b'));
    const verdict = (result: 'Guilty' | 'NotGuilty' | 'Inconclusive') => ({
      result,
      reason: 'r',
      message: 'm',
      time: since,
    });
    const forever = Number.POSITIVE_INFINITY;
    assert.equal(suspicion(undefined), forever);
    assert.equal(suspicion({ phase: 'Judging' }), forever);
    assert.equal(suspicion({ phase: 'Observed', verdict: verdict('Guilty'), closedTime: since }), forever);
    assert.equal(
      suspicion({ phase: 'Dismissed', reason: 'NoData', verdict: verdict('Inconclusive'), closedTime: since }),
      Date.parse(since),
    );
    assert.equal(
      suspicion({ phase: 'Dismissed', reason: 'Denied', verdict: verdict('Guilty'), closedTime: since }),
      forever,
    );
    assert.equal(suspicion({ phase: 'Dismissed', closedTime: since }), undefined);
    assert.equal(suspicion({ phase: 'Observed', verdict: verdict('NotGuilty'), closedTime: since }), undefined);
  });

  it('is guilt where an incident found it, whatever came of it, until a person accepts the release', () => {
    const found = (status: IncidentStatus, holds: Hold[] = []) =>
      assessmentsOf(key, [], caches({ incidents: [incident('b', status)], holds })).guilty.get(digest('b'));
    const verdict = { result: 'Guilty', reason: 'r', message: 'm', time: since } as const;
    for (const reason of ['ModeDryRun', 'ModeOff', 'OwnedByOtherTool', 'TooManyRollbacks', 'Denied', 'Superseded'])
      assert.deepEqual(found({ phase: 'Observed', reason, verdict, closedTime: since }), { closedTime: since }, reason);
    assert.deepEqual(found({ phase: 'Judging', verdict }), { closedTime: undefined });
    assert.equal(found({ phase: 'Dismissed', reason: 'NoData', closedTime: since }), undefined);
    assert.equal(found({ phase: 'Dismissed', reason: 'HoldLifted', verdict, closedTime: since }), undefined);
    assert.equal(found({ phase: 'Dismissed', reason: 'Misjudged', verdict, closedTime: since }), undefined);
    const accept: Hold = {
      ...hold('b'),
      spec: { workloadRef: workload, action: 'Accept', acceptedDigests: [digest('b')], origin: 'Manual' },
    };
    assert.equal(found({ phase: 'Observed', reason: 'ModeDryRun', verdict, closedTime: since }, [accept]), undefined);
  });

  it('is a doubt where nobody asked, for the mode is Off: the soak starts again', () => {
    const status = { phase: 'Observed', reason: 'ModeOff', closedTime: since } as const;
    const { suspected } = assessmentsOf(key, [], caches({ incidents: [incident('b', status)] }));
    assert.equal(suspected.get(digest('b')), Date.parse(since));
  });

  it('is no suspicion any more where a person lifted the Hold after the incident', () => {
    const guilty: IncidentStatus = {
      phase: 'Recovered',
      verdict: { result: 'Guilty', reason: 'r', message: 'm', time: since },
      closedTime: since,
    };
    const suspects = (later: number): string[] => {
      const liftedTime = new Date(Date.parse(since) + later).toISOString();
      const releases = [{ sourceDigest: digest('b'), liftedTime } as Release];
      return [...assessmentsOf(key, releases, caches({ incidents: [incident('b', guilty)] })).suspected.keys()];
    };
    assert.deepEqual(suspects(1000), []);
    assert.deepEqual(suspects(-1000), [digest('b')]);
  });

  it('is an acceptance by a Hold, which no other Hold stands against', () => {
    const accept: Hold = {
      ...hold('b'),
      metadata: metadata('accept'),
      spec: { workloadRef: workload, action: 'Accept', acceptedDigests: [digest('b')], origin: 'Manual' },
    };
    const { accepted, rejected } = assessmentsOf(key, [], caches({ holds: [hold('b'), accept] }));
    assert.deepEqual([...accepted], [digest('b')]);
    assert.deepEqual([...rejected], []);
  });

  it('is the soak time of the policy that guards it', () => {
    const policies = [policy('b', { selector: {}, soak: '20s' }), policy('a', { targetRef: workload, soak: '2m' })];
    assert.equal(assessmentsOf(key, [], caches({ policies })).soakMs, 120_000);
    assert.equal(assessmentsOf(key, [], caches({ policies: policies.slice(0, 1) })).soakMs, 20_000);
    assert.equal(assessmentsOf(key, [], caches({ policies: [policy('a', { selector: {} })] })).soakMs, 600_000);
  });

  it('names that policy, and the alerts of the annotation, as what guards a release', () => {
    const policies = cache(policy('b', { selector: {} }), policy('a', { targetRef: workload }));
    const live = (annotation: object): KubeObject => ({
      apiVersion: 'apps/v1',
      kind: 'Deployment',
      metadata: { name: 'web', namespace: 'shop', annotations: { ...annotation } },
    });
    const named = live({ [annotations.alerts]: 'severity=page' });
    assert.deepEqual(alertRulesOf(key, named, policies), ['a', 'severity=page']);
    assert.deepEqual(alertRulesOf(key, live({}), cache<RollbackPolicy>()), []);
  });
});
