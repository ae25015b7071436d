import assert from 'node:assert/strict';
import { describe, it } from 'mocha';
import {
  at,
  digest,
  evidence as evidenceOf,
  incident,
  NOON,
  release as releaseOf,
} from '../../test/support/incident.ts';
import { gitSync } from '../../test/support/leader.ts';
import type { SilenceAnswer } from '../alertmanager/index.ts';
import { API_VERSION, annotations, labels } from '../api/annotations.ts';
import type { GitSync } from '../api/gitsync.ts';
import type { Hold } from '../api/hold.ts';
import type { Incident } from '../api/incident.ts';
import type { KubeObject } from '../api/meta.ts';
import { unrestrictedPolicy } from '../api/platform-policy.ts';
import type { Release, ReleaseHistory, RestorableRelease } from '../api/release-history.ts';
import { type RollbackPolicy, rollbackPolicySpec } from '../api/rollback-policy.ts';
import { newAcceptance, newDenial, newRollback } from '../holds/index.ts';
import { createJudge } from '../judge/index.ts';
import { KubeError, type WatchCache } from '../kube/index.ts';
import type { Caches } from './caches.ts';
import { look } from './look.ts';

const ago = (minutes: number): string => at(-60 * minutes);
const KEY = { kind: 'Deployment', namespace: 'shop', name: 'web' } as const;

const release = (number: number, rest: Partial<RestorableRelease> = {}): RestorableRelease =>
  releaseOf(number, { firstSeenTime: ago(60 / number), readyTime: ago(59 / number), ...rest });
/** Applied by a GitSync, and ready. */
const running = (n: number, notes: Record<string, string> = {}): KubeObject => ({
  apiVersion: 'apps/v1',
  kind: 'Deployment',
  metadata: {
    name: 'web',
    namespace: 'shop',
    generation: 1,
    labels: { [labels.sync]: 'shop.all' },
    annotations: { [annotations.sourceDigest]: digest(n), ...notes },
    managedFields: [
      { manager: 'metricops/shop/all', operation: 'Apply', fieldsV1: { 'f:spec': { 'f:template': { 'f:spec': {} } } } },
    ],
  },
  spec: { replicas: 1 },
  status: {
    observedGeneration: 1,
    replicas: 1,
    updatedReplicas: 1,
    availableReplicas: 1,
    readyReplicas: 1,
    conditions: [{ type: 'Available', status: 'True' }],
  },
});
const history = (currentRelease: number, releases: Release[]): ReleaseHistory => ({
  apiVersion: API_VERSION,
  kind: 'ReleaseHistory',
  metadata: { name: 'deployment-web', namespace: 'shop' },
  spec: { workloadRef: { kind: 'Deployment', name: 'web' }, currentRelease, releases },
});
const policy = (mode: string): RollbackPolicy => ({
  apiVersion: API_VERSION,
  kind: 'RollbackPolicy',
  metadata: { name: 'web', namespace: 'shop' },
  spec: rollbackPolicySpec.parse({
    targetRef: { kind: 'Deployment', name: 'web' },
    objectives: [
      { name: 'a', target: '99', indicator: { ratio: { errors: 'e[$window]', total: 't[$window]', podLabel: '' } } },
    ],
    mode,
  }),
});
const rollback = ({ rejects, target }: { rejects: number; target: number }): Hold =>
  newRollback({
    workload: KEY,
    digest: digest(rejects),
    target: { number: target, sourceDigest: digest(target), snapshotRef: { name: 's' } },
    origin: 'Incident',
    incident: 'i',
    message: '',
  });
const hold = (phase: 'Pending' | 'Held', target = 1): Hold => ({
  ...rollback({ rejects: 2, target }),
  status: { phase, appliedTime: ago(0) },
});

const cache = <T extends KubeObject>(...objects: T[]): WatchCache<T> => ({
  get: ({ name }) => objects.find((o) => o.metadata.name === name),
  list: (namespace) => objects.filter((o) => namespace === undefined || o.metadata.namespace === namespace),
  onChange: () => () => {},
  ready: async () => {},
  stop: async () => {},
});
const COMMIT = 'c'.repeat(40);
/** A GitSync whose check after that commit failed. */
const checked = (commit: string): GitSync => ({
  ...(gitSync('shop', 'all', {}) as GitSync),
  status: {
    hookRun: {
      ...{ revision: `main@${commit}`, state: 'Failed', version: 'v', content: 'c', hooksContent: 'h' },
      ...{ id: 'i', isInstall: false, requestedAt: '' },
    },
    hooks: [
      {
        ...{ kind: 'Job', namespace: 'shop', name: 'smoke', phase: 'PostSync', state: 'Failed' },
        ...{ reason: 'BackoffLimitExceeded', finishTime: ago(1) },
      },
    ],
  },
});
interface World {
  status?: Incident['status'];
  /** Number of the release under suspicion; 2 by default. */
  suspect?: number;
  history?: ReleaseHistory;
  /** As the API server has it, where the watch is late. */
  newest?: ReleaseHistory;
  workload?: KubeObject;
  holds?: Hold[];
  mode?: string;
  /** Release to what its pods lack. */
  unfit?: Record<number, string>;
  /** Prometheus answers nothing before the target was asked about. */
  prometheusWaits?: boolean;
  /** The API server says nothing about the target. */
  unreadable?: boolean;
  /** Nothing fails. */
  calm?: boolean;
  evidence?: Incident['spec']['evidence'];
  syncs?: GitSync[];
  /** Of the workload. */
  otherIncidents?: Incident[];
  /** What Alertmanager says. */
  silence?: SilenceAnswer;
}
/** One look, and how many queries Prometheus was sent. */
const lookAt = async (world: World) => {
  const { suspect = 2, evidence } = world;
  const made = incident(world.status, {
    suspect: { number: suspect, sourceDigest: digest(suspect) },
    ...(evidence ? { evidence } : {}),
  });
  const caches: Caches = {
    incidents: cache(made, ...(world.otherIncidents ?? [])),
    holds: cache(...(world.holds ?? [])),
    histories: cache(world.history ?? history(2, [release(2), release(1, { goodTime: ago(30) })])),
    rollbackPolicies: cache(policy(world.mode ?? 'Auto')),
    platform: {
      current: () => unrestrictedPolicy,
      onChange: () => () => {},
      ready: async () => {},
      stop: async () => {},
    },
    namespaces: cache(),
    syncs: cache(...(world.syncs ?? [])),
    pods: cache(),
    replicaSets: cache(),
    workloads: {
      Deployment: cache(world.workload ?? running(2)),
      StatefulSet: cache(),
      DaemonSet: cache(),
    },
  };
  let queries = 0;
  let obstacles = 0;
  let asked = (): void => {};
  const targetAsked = new Promise<void>((resolve) => {
    asked = resolve;
  });
  const judge = createJudge(() => ({
    async query(expression, time = NOON) {
      queries += 1;
      return [{ labels: {}, value: expression.startsWith('t') ? 100 : time < NOON ? 0 : 20 }];
    },
    async queryRange(expression, { start, end, step }) {
      queries += 1;
      if (world.prometheusWaits) await targetAsked;
      const count = Math.round((end - start) / step) + 1;
      const times = Array.from({ length: count }, (_, i) => start + i * step);
      // What fails began to with release 2.
      const valueAt = (time: number): number =>
        expression.startsWith('sum(t') ? 100 : time > Date.parse(ago(30)) && !world.calm ? 20 : 0;
      return [{ labels: {}, points: times.map((time) => ({ at: time, value: valueAt(time) })) }];
    },
    async alertingRules() {
      queries += 1;
      return [];
    },
  }));
  const silenced: unknown[] = [];
  /** Before how many queries it was asked who calls whom. */
  const callsAsked: number[] = [];
  const { status, actions } = await look(made, {
    caches,
    ...(world.silence
      ? {
          silences: {
            async of(alerts) {
              silenced.push(alerts);
              return world.silence ?? { is: 'Audible' };
            },
          },
        }
      : {}),
    calls: {
      async refresh(namespace) {
        assert.equal(namespace, 'shop');
        return callsAsked.push(queries) === 1;
      },
    },
    judge,
    refusal: undefined,
    now: NOON,
    refusalOf: async () => undefined,
    async obstacleTo(workload, { number }) {
      obstacles += 1;
      asked();
      assert.deepEqual(workload, KEY);
      if (world.unreadable) throw new KubeError('no answer', { status: 0, reason: 'Unreachable' });
      return world.unfit?.[number];
    },
    newestHistory: async () => world.newest ?? world.history,
  });
  return {
    queries,
    callsAsked,
    obstacles,
    silenced,
    status,
    outcome: `${status.phase}/${status.reason}`,
    actions: actions.map(({ kind }) => kind),
  };
};

const target = { number: 1, sourceDigest: digest(1), snapshotRef: { name: 's1' } };
const verifying = {
  phase: 'Verifying',
  reason: 'RolledBack',
  target,
  holdRef: { name: 'h' },
  rolledBackTime: ago(0),
} as const;
const back = history(1, [release(2), release(1)]);
const said = { workload: KEY, digest: digest(2), message: '' };

describe('one look at an incident', () => {
  it('does not roll back what a person lifted a moment ago, though the watch does not show it yet', async () => {
    const lifted = { goodTime: undefined, liftedTime: at(0) };
    const { outcome, actions } = await lookAt({
      newest: history(2, [release(2, lifted), release(1, { goodTime: ago(30) })]),
    });
    assert.equal(outcome, 'Dismissed/HoldLifted');
    assert.ok(!actions.includes('CreateHold'), `${actions}`);
  });

  it('asks Prometheus before it rolls back', async () => {
    const { queries, outcome, actions } = await lookAt({});
    assert.equal(outcome, 'RollingBack/ErrorRateIncreased');
    assert.equal(queries, 2);
    assert.deepEqual(actions.slice(0, 3), ['WriteStatus', 'CreateHold', 'Report']);
  });

  it('keeps a failed check of the commit that brought the release with the numbers of the verdict', async () => {
    const gitSyncRef = { namespace: 'shop', name: 'all' };
    const brought = history(2, [release(2, { commit: COMMIT, gitSyncRef }), release(1, { goodTime: ago(30) })]);
    const { status } = await lookAt({ history: brought, syncs: [checked(COMMIT)] });
    const [objective] = status.verdict?.objectives ?? [];
    assert.deepEqual(objective?.measured?.check, {
      name: 'Job shop/smoke',
      reason: 'BackoffLimitExceeded',
      finishTime: ago(1),
    });
    assert.match(status.verdict?.message ?? '', /the check after its commit, Job shop\/smoke, failed/);
  });

  it('asks who calls whom before it asks for a verdict, and again only for another verdict', async () => {
    const { callsAsked, queries } = await lookAt({});
    assert.deepEqual([callsAsked, queries], [[0], 2]);
    const person = { phase: 'Verifying', reason: 'RolledBack', target, holdRef: { name: 'h' } } as const;
    const later = await lookAt({ status: { ...person, rolledBackTime: ago(0) }, history: back, workload: running(1) });
    assert.deepEqual(later.callsAsked, []);
  });

  it('asks about the target while Prometheus is asked for the first time, once', async () => {
    const { outcome, obstacles } = await lookAt({ prometheusWaits: true });
    assert.deepEqual([outcome, obstacles], ['RollingBack/ErrorRateIncreased', 1]);
  });

  it('asks about no target in a later look that finds the release not guilty', async () => {
    const calm = await lookAt({ calm: true, status: { phase: 'Judging', reason: 'NoData', message: '' } });
    assert.deepEqual([calm.status.verdict?.result, calm.obstacles], ['NotGuilty', 0]);
  });

  it('goes past a release that burned before it was superseded: N-1 bad and N still bad is never rolled back to N-1', async () => {
    const good = { goodTime: ago(40) };
    const releases = [release(2), release(1, good), release(3, { ...good, firstSeenTime: ago(90) })];
    const superseded = { phase: 'Dismissed', reason: 'Superseded', closedTime: ago(29) } as const;
    const suspect = { number: 1, sourceDigest: digest(1) };
    const other = { ...incident(superseded, { suspect }), metadata: { name: 'before', namespace: 'shop' } };
    const past = await lookAt({ history: history(2, releases), otherIncidents: [other] });
    assert.deepEqual([past.outcome, past.status.target?.number], ['RollingBack/ErrorRateIncreased', 3]);
    const none = await lookAt({ otherIncidents: [other] });
    assert.equal(none.outcome, 'Judging/NoGoodRelease');
    assert.match(none.status.message ?? '', /Release 1 was good, but burned when it was current last: incident before/);
  });

  it('goes past the release under which the alert began, though the suspect burns as well', async () => {
    const releases = [release(2), release(1, { goodTime: ago(40), supersededTime: ago(30) })];
    const evidence = (minutes: number) => [evidenceOf({ startsAt: ago(minutes) })];
    const before = await lookAt({ history: history(2, releases), evidence: evidence(31) });
    assert.equal(before.outcome, 'Judging/NoGoodRelease');
    assert.match(before.status.message ?? '', /its alert began before release 2/);
    const after = await lookAt({ history: history(2, releases), evidence: evidence(29) });
    assert.equal(after.outcome, 'RollingBack/ErrorRateIncreased');
  });

  it('goes to no release that was found guilty, though it was good', async () => {
    const guilty = release(1, { goodTime: ago(40), guiltyTime: ago(35), outcome: 'Guilty' });
    const { outcome } = await lookAt({ history: history(2, [release(2), guilty]) });
    assert.equal(outcome, 'Judging/NoGoodRelease');
  });

  it('asks Alertmanager about the labels of the alerts that fire, before it rolls back', async () => {
    const audible = await lookAt({ silence: { is: 'Audible' } });
    assert.deepEqual([audible.outcome, audible.silenced], ['RollingBack/ErrorRateIncreased', [[{}]]]);
    const until = NOON + 60_000;
    const waits = await lookAt({ silence: { is: 'Silenced', until, id: 's', by: 'ann', comment: '' } });
    assert.deepEqual([waits.outcome, waits.actions.includes('CreateHold')], ['Judging/Silenced', false]);
  });

  it('needs no target that can be read where the release is not guilty', async () => {
    const { status } = await lookAt({ calm: true, unreadable: true });
    assert.equal(status.verdict?.result, 'NotGuilty');
    await assert.rejects(lookAt({ unreadable: true }), KubeError);
  });

  it('goes past a target whose needs are gone, and needs a person where it is the only one', async () => {
    const good = { goodTime: ago(30) };
    const releases = [release(2), release(1, good), release(3, { ...good, firstSeenTime: ago(90) })];
    const unfit = { 1: 'its pods need ServiceAccount shop/web, which does not exist' };
    const past = await lookAt({ history: history(2, releases), unfit });
    assert.deepEqual([past.outcome, past.status.target?.number], ['RollingBack/ErrorRateIncreased', 3]);
    assert.equal(past.status.proposal?.spec.target?.release, 3);
    const none = await lookAt({ unfit });
    assert.equal(none.outcome, 'Judging/TargetNeedsMissing');
    assert.match(none.status.message ?? '', /Release 1 was good, but its pods need ServiceAccount/);
    assert.equal(none.status.proposal, undefined);
  });

  it('goes back behind both of two releases where the older one burned, although it counts as good', async () => {
    const shortly = { firstSeenTime: ago(30), readyTime: ago(30), supersededTime: ago(12) };
    const releases = [
      release(3, { firstSeenTime: ago(12), readyTime: ago(12) }),
      release(2, { ...shortly, goodTime: ago(20) }),
      release(1, { firstSeenTime: ago(300), readyTime: ago(300), goodTime: ago(290), supersededTime: ago(30) }),
    ];
    const { outcome, status } = await lookAt({ suspect: 3, history: history(3, releases) });
    assert.equal(outcome, 'RollingBack/ErrorRateIncreased');
    assert.deepEqual(status.proposal?.spec.rejectedDigests, [digest(3), digest(2)]);
    assert.deepEqual([status.target?.number, status.verdict?.sinceRelease], [1, 2]);
    assert.match(status.message ?? '', /^rolling releases 2 to 3 back to release 1: the burn began with release 2,/);
  });

  it('asks Prometheus whether it still burns once the pods of the target are ready, and not before', async () => {
    const world = { status: verifying, history: back, holds: [hold('Held')] };
    const waiting = await lookAt({ ...world, workload: running(2) });
    assert.deepEqual([waiting.outcome, waiting.queries], ['Verifying/RolledBack', 0]);
    const restored = await lookAt({ ...world, workload: running(1) });
    assert.deepEqual([restored.outcome, restored.queries], ['Verifying/RolledBack', 2]);
  });

  it('rolls back what a commit brought back after a fix: no Hold took the workload to it', async () => {
    const releases = [release(2, { restoredTime: ago(30) }), release(1, { goodTime: ago(30) })];
    const { outcome } = await lookAt({ history: history(2, releases) });
    assert.equal(outcome, (await lookAt({})).outcome);
    assert.match(outcome, /^RollingBack/);
  });

  it('asks Prometheus of the result of a rollback whether it burns at all', async () => {
    const { outcome, queries } = await lookAt({ holds: [rollback({ rejects: 3, target: 2 })] });
    assert.deepEqual([outcome, queries], ['Judging/RollbackOfRollback', 2]);
  });

  it('asks Prometheus of a paused workload whether it burns at all', async () => {
    const { outcome } = await lookAt({ workload: running(2, { [annotations.pause]: 'true' }) });
    assert.equal(outcome, 'Judging/Paused');
  });

  for (const [what, world, outcome] of [
    ['the mode is Off', { mode: 'Off' }, 'Observed/ModeOff'],
    [
      'another release superseded the suspect',
      { history: history(3, [release(3), release(2)]) },
      'Dismissed/Superseded',
    ],
    ['no release is recorded', { history: history(0, []) }, 'Judging/NoHistory'],
    ['a person denied it', { holds: [newDenial({ ...said, incident: 'i' })] }, 'Dismissed/Denied'],
    ['a person accepted the release', { holds: [newAcceptance(said)] }, 'Dismissed/ReleaseAccepted'],
    ['the release is held already', { holds: [hold('Pending')] }, 'RollingBack/ReleaseHeld'],
    [
      'the rollback is under way',
      { status: { ...verifying, phase: 'RollingBack' }, holds: [hold('Pending')] },
      'RollingBack/RolledBack',
    ],
    ['a person lifted the Hold', { status: verifying, history: back }, 'Dismissed/HoldLifted'],
    ['it is closed', { status: { ...verifying, phase: 'Recovered' } }, 'Recovered/RolledBack'],
  ] as [string, World, string][])
    it(`asks Prometheus nothing where ${what}`, async () => {
      const seen = await lookAt(world);
      assert.deepEqual([seen.outcome, seen.queries], [outcome, 0]);
    });
});
