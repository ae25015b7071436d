import { API_VERSION, annotations, labels } from '../../src/api/annotations.ts';
import type { Hold } from '../../src/api/hold.ts';
import type { KubeObject } from '../../src/api/meta.ts';
import type { Release as Recorded } from '../../src/api/release-history.ts';
import { type RollbackPolicy, rollbackPolicySpec } from '../../src/api/rollback-policy.ts';
import { historyName } from '../../src/snapshot/index.ts';
import type { Restored } from './rollback.ts';
import { METRIC } from './series.ts';
import { MINUTE, type Pod, type Release, type Service } from './world.ts';

export const NAMESPACE = 'shop';
/** Ready for so long without an incident, a release is recorded as good. */
const SOAK_MS = 10 * MINUTE;
const DEADLINE_MS = 10 * MINUTE;

const iso = (ms: number): string => new Date(ms).toISOString();
const hex = (text: string): string => Buffer.from(text).toString('hex').padEnd(64, '0').slice(0, 64);
export const digestOf = (service: string, { number }: Pick<Release, 'number'>): string =>
  `v1:${hex(`${service} ${number}`)}`;

export const policyOf = ({ name, target, podLabel }: Service): RollbackPolicy => {
  const rate = (matchers: string): string =>
    `sum(rate(${METRIC}{namespace="${NAMESPACE}",service="${name}"${matchers}}[$window]))`;
  return {
    apiVersion: API_VERSION,
    kind: 'RollbackPolicy',
    metadata: { namespace: NAMESPACE, name },
    spec: rollbackPolicySpec.parse({
      targetRef: { name },
      mode: 'Auto',
      objectives: [
        {
          name: 'availability',
          target: String(target),
          indicator: {
            ratio: {
              errors: rate(',code=~"5.."'),
              total: rate(''),
              ...(podLabel === undefined ? {} : { podLabel }),
            },
          },
        },
      ],
    }),
  };
};

/** What is recorded of the releases of a service at a time. */
export const historyOf = ({ name, releases, size }: Service, now: number, restored?: Restored): object => {
  const known = releases.filter(({ at }) => at <= now);
  const recorded = known.map((release, i): Recorded => {
    const ended = known[i + 1]?.at;
    const readyAt = release.at + release.rolloutMs;
    const isReady = !release.crashes && release.pods >= size && readyAt <= Math.min(now, ended ?? now);
    const isGood = isReady && readyAt + SOAK_MS <= Math.min(now, ended ?? now);
    return {
      number: release.number,
      sourceDigest: digestOf(name, release),
      revision: release.revision,
      workloadUID: `uid-${name}`,
      images: [{ container: name, image: imageOf(name, release) }],
      snapshotRef: { name: `${name}-${release.number}` },
      firstSeenTime: iso(release.at),
      ...(isReady ? { readyTime: iso(readyAt) } : {}),
      ...(isGood ? { goodTime: iso(readyAt + SOAK_MS) } : {}),
      ...(ended === undefined ? {} : { supersededTime: iso(ended) }),
      outcome: ended === undefined ? 'Active' : isGood ? 'Good' : 'Superseded',
    };
  });
  return {
    metadata: { namespace: NAMESPACE, name: historyName({ kind: 'Deployment', name }) },
    spec: {
      workloadRef: { kind: 'Deployment', name },
      currentRelease: (restored?.release ?? known.at(-1))?.number,
      releases: recorded.toReversed().map((one) => (restored ? afterRollback(one, restored) : one)),
    },
  };
};

const afterRollback = (recorded: Recorded, { release, revision, rejected, appliedAt }: Restored): Recorded => {
  const { supersededTime, ...rest } = recorded;
  const time = iso(appliedAt);
  if (recorded.number === release.number)
    return { ...rest, revision, restoredTime: time, outcome: recorded.goodTime ? 'Good' : 'Active' };
  return rejected.includes(recorded.sourceDigest)
    ? { ...rest, supersededTime: supersededTime ?? time, rejectedTime: time, outcome: 'Rejected' }
    : recorded;
};

const imageOf = (service: string, release: Pick<Release, 'number'> | undefined): string =>
  `${service}:${release?.number}`;

/** When something about the releases of a service is recorded. */
export const recordingTimes = ({ releases }: Service): number[] =>
  releases.flatMap(({ at, rolloutMs }) => [at, at + rolloutMs, at + rolloutMs + SOAK_MS]);

export const deploymentOf = (
  { name, size, releases, calls, saysCalls }: Service,
  now: number,
  restored?: Restored,
): KubeObject => {
  const current = restored?.release ?? releases.findLast(({ at }) => at <= now);
  const isLate = current?.crashes === true && now >= current.at + DEADLINE_MS;
  // As a rollback gives one more than all releases did.
  const generation = restored ? releases.length + 1 : (current?.number ?? 1);
  const updated = current?.crashes ? 1 : restored && now < restored.readyAt ? 0 : size;
  const template = {
    metadata: { labels: { app: name } },
    spec: { containers: [{ name, image: imageOf(name, current) }] },
  };
  return {
    apiVersion: 'apps/v1',
    kind: 'Deployment',
    metadata: {
      namespace: NAMESPACE,
      name,
      generation,
      labels: { [labels.sync]: 'shop.all' },
      annotations: {
        [annotations.inject]: 'true',
        ...(current ? { [annotations.sourceDigest]: digestOf(name, current) } : {}),
        ...(saysCalls && calls.length > 0
          ? { [annotations.dependsOn]: calls.map(({ service }) => `deployment/${service}`).join(', ') }
          : {}),
      },
    },
    spec: { replicas: size, selector: { matchLabels: { app: name } }, template },
    status: {
      observedGeneration: generation,
      replicas: size,
      updatedReplicas: updated,
      readyReplicas: size,
      availableReplicas: size,
      conditions: isLate
        ? [
            {
              type: 'Progressing',
              status: 'False',
              reason: 'ProgressDeadlineExceeded',
              lastUpdateTime: iso(current.at + DEADLINE_MS),
            },
          ]
        : [{ type: 'Progressing', status: 'True', reason: 'ReplicaSetUpdated' }],
    },
  };
};

/** A Hold that is obeyed. */
export const heldOf = (hold: Hold, appliedAt: number): Hold => ({
  ...hold,
  status: {
    observedGeneration: hold.metadata.generation ?? 1,
    phase: 'Held',
    appliedTime: iso(appliedAt),
    conditions: [
      { type: 'Held', status: 'True', reason: 'Held', message: 'applied', lastTransitionTime: iso(appliedAt) },
    ],
  },
});

/** @param uid of the Deployment */
export const replicaSetOf = ({ name }: Service, release: Release, uid: string): KubeObject => ({
  apiVersion: 'apps/v1',
  kind: 'ReplicaSet',
  metadata: {
    namespace: NAMESPACE,
    name: `${name}-${release.revision}`,
    labels: { 'pod-template-hash': release.revision },
    annotations: { [annotations.sourceDigest]: digestOf(name, release) },
    ownerReferences: [{ apiVersion: 'apps/v1', kind: 'Deployment', name, uid, controller: true }],
  },
});

/** A pod that runs. Nobody asks whose it is: its name says so. */
export const runningPodOf = ({ name, node, from }: Pod): KubeObject => ({
  apiVersion: 'v1',
  kind: 'Pod',
  metadata: { namespace: NAMESPACE, name, creationTimestamp: iso(from) },
  spec: { nodeName: `node-${node}` },
  status: { phase: 'Running' },
});

/** A pod as the kubelet reports it, with how often its container ended and when it did last; uid is that of its ReplicaSet. */
export const podObjectOf = (
  { name }: Service,
  release: Release,
  { pod, uid, restarts, endedAt }: { pod: string; uid: string; restarts: number; endedAt: number | undefined },
): KubeObject => {
  const isCrashing = endedAt !== undefined;
  const owner = `${name}-${release.revision}`;
  return {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: {
      namespace: NAMESPACE,
      name: pod,
      labels: { app: name, 'pod-template-hash': release.revision },
      ownerReferences: [{ apiVersion: 'apps/v1', kind: 'ReplicaSet', name: owner, uid, controller: true }],
    },
    spec: { nodeName: 'node' },
    status: {
      phase: 'Running',
      conditions: [{ type: 'Ready', status: isCrashing ? 'False' : 'True' }],
      containerStatuses: [
        {
          name,
          restartCount: restarts,
          state: isCrashing ? { waiting: { reason: 'CrashLoopBackOff' } } : { running: {} },
          ...(isCrashing
            ? { lastState: { terminated: { reason: 'Error', exitCode: 1, finishedAt: iso(endedAt) } } }
            : {}),
        },
      ],
    },
  };
};
