import { isSwitchedOn } from '../api/annotation-values.ts';
import { annotations, labels } from '../api/annotations.ts';
import { parseDuration } from '../api/common.ts';
import type { Incident } from '../api/incident.ts';
import type { KubeObject } from '../api/meta.ts';
import {
  currentOf,
  type Release,
  type ReleaseHistory,
  type ReleaseRecords,
  recordsOf,
} from '../api/release-history.ts';
import type { WorkloadKey } from '../api/workload.ts';
import { healthOf } from '../health/health.ts';
import { rolloutOf } from '../health/rollout.ts';
import { answerOf, isRollbackTarget, otherToolOf, rejectionsOf } from '../holds/index.ts';
import { alertedAt, type Question } from '../judge/index.ts';
import {
  burnedBefore,
  burnedReleases,
  excusedPods,
  missingSince,
  revisionOf,
  rolloutEvidence,
  selectLastGood,
  type Unfit,
  unpulledImage,
} from '../release/index.ts';
import { isTrustedRuleFile } from '../slo/index.ts';
import { historyName, recordedDigest } from '../snapshot/index.ts';
import { type Caches, guardFrom } from './caches.ts';
import { waitingAmong } from './event.ts';
import { failedCheckOf } from './failed-check.ts';
import { graphFrom } from './graph.ts';
import { guiltyBefore } from './guilty-before.ts';
import { measuredAround } from './measured-around.ts';
import { neighboursOf } from './neighbours.ts';
import type { Observation, Refusal } from './observation.ts';
import { companionsOf } from './one-commit.ts';
import { predecessorsOf } from './predecessors.ts';
import { rollbacksIn } from './rollbacks.ts';
import { successorOf } from './successor.ts';

/** What a decision depends on, and the question that Prometheus is asked where the decision needs it. */
export interface Observed {
  observation: Observation;
  question: () => Question;
}

/**
 * Everything that one step of an incident depends on, read from the caches. It asks nobody and writes nothing.
 *
 * @param refusal why the API server did not take the proposed Hold the last time
 * @param unfit releases that turned out to be no target
 * @param verdict on the suspect, where there is one already
 * @param now milliseconds since the epoch
 */
export const observe = (
  incident: Incident,
  caches: Caches,
  {
    refusal,
    unfit,
    verdict,
    now,
  }: { refusal: Refusal | undefined; unfit: Unfit; verdict?: Observation['verdict']; now: number },
): Observed => {
  const { namespace = '' } = incident.metadata;
  const { kind, name } = incident.spec.workloadRef;
  const history = caches.histories.get({ namespace, name: historyName({ kind, name }) });
  const records = recordsOf(history);
  const { releases = [] } = records;
  const workload = caches.workloads[kind].get({ namespace, name });
  const { policy, guardrails } = guardFrom(caches, { kind, name, namespace });
  const objectives = policy?.spec.objectives ?? [];
  const suspect = releases.find((r) => r.sourceDigest === incident.spec.suspect?.sourceDigest);
  const opened = Date.parse(incident.spec.evidence[0]?.receivedTime ?? '') || now;
  const { phase, target: restoredTo } = incident.status ?? {};
  const unpulled =
    phase === 'Verifying' && restoredTo
      ? unpulledImage({ kind, name, namespace }, restoredTo.sourceDigest, caches, now)
      : undefined;
  const target = selectLastGood(records, {
    burnStart: burnStart(incident, suspect, opened),
    suspect: suspect?.number,
    burned: new Map([
      ...burnedReleases(othersIn(incident, caches), { kind, name }, releases),
      ...(suspect ? burnedBefore(suspect, releases, alertedAt(incident.spec.evidence, opened)) : []),
      ...(suspect ? guiltyBefore(suspect.number, verdict, releases) : []).map(burnedWith),
    ]),
    unfit: unpulled && restoredTo ? new Map([...unfit, [restoredTo.number, 'its image is gone']]) : unfit,
  });
  const holds = caches.holds.list(namespace);
  const graph = graphFrom(caches);
  const rejections = rejectionsOf(holds, { kind, namespace, name }, incident.spec.suspect?.sourceDigest ?? '');
  return {
    observation: {
      history: records,
      suspect,
      policy: guardrails,
      objectives,
      verdict: undefined,
      caution: undefined,
      target,
      isTargetFit: false,
      // Its own first: also one that a person created from the proposal.
      hold: rejections.find((h) => h.spec.incidentRef?.name === incident.metadata.name) ?? rejections[0],
      refusal,
      waiting: waitingAmong(incident, caches, graph),
      companions: companionsOf(incident, caches.incidents.list(namespace), graph, now),
      refused: undefined,
      answer: answerOf(holds, incident),
      paused: isSwitchedOn(workload?.metadata, annotations.pause),
      missing: !workload && missingSince(history?.status?.conditions ?? []) !== undefined,
      otherTool: workload && otherToolOf(workload),
      rollbacks: rollbacksOf(incident, history, caches),
      alertDelay: parseDuration(caches.platform.current().rollback.alertDelay),
      sharedLimits: undefined,
      successor: successorOf(
        incident,
        { incidents: caches.incidents.list(namespace), holds, history: records },
        policy,
        now,
      ),
      silence: undefined,
      isRollbackResult: isRollbackTarget(holds, { kind, namespace, name }, currentOf(records)?.sourceDigest ?? ''),
      restored: isRestored({ kind, namespace, name }, incident, releases, caches),
      burning: undefined,
      restoredRatio: undefined,
      unpulled,
      isOfGitSync: workload?.metadata.labels?.[labels.sync] !== undefined,
      // What was left out may still fire.
      firing: incident.spec.truncated === true || incident.spec.evidence.some((e) => e.status === 'firing'),
      opened,
    },
    // Most steps are taken without it, and what it says of the other workloads takes longest.
    question: () => {
      const calling = graphFrom(caches); // as it is known when it is asked
      return {
        incident,
        suspect,
        ...predecessorsOf(suspect, releases),
        restored: releases.find((r) => r.sourceDigest === incident.status?.target?.sourceDigest),
        objectives,
        guardrails,
        neighbours: neighboursOf(incident, caches, calling),
        check: failedCheckOf(suspect, caches.syncs),
        around: measuredAround({ kind, namespace, name }, suspect, caches, calling),
        podOf: (pod) => placeOf(caches.pods.get({ namespace, name: pod })),
        isTrustedRule: (file) => isOfRuleNamespace(file, namespace, caches),
        rollout: rolloutOfCurrent({ kind, name, namespace }, incident, records, caches, now),
        now,
      };
    },
  };
};

/** With the suspect's fault, it is no target. */
const burnedWith = ({ number }: Release): [number, string] => [number, 'the suspect has its fault'];

/** What its pods say, where they said something before: of the release that runs now, be it the suspect or the target. */
const rolloutOfCurrent = (
  key: WorkloadKey,
  { spec }: Incident,
  records: ReleaseRecords,
  caches: Caches,
  now: number,
): Question['rollout'] => {
  if (!spec.evidence.some(({ source }) => source === 'Rollout')) return undefined;
  const current = currentOf(records);
  return { evidence: current && rolloutEvidence(key, current, caches, now) };
};

const placeOf = (pod: KubeObject | undefined): ReturnType<Question['podOf']> => {
  if (!pod) return undefined;
  const { nodeName } = (pod.spec ?? {}) as { nodeName?: string };
  const startedAt = Date.parse(pod.metadata.creationTimestamp ?? '');
  return { node: nodeName, startedAt, revision: revisionOf(pod) };
};

/** The rule was written in the workload's namespace, or in one that the platform trusts. */
const isOfRuleNamespace = (file: string, namespace: string, caches: Caches): boolean => {
  const namespaces = caches.namespaces.list().map(({ metadata }) => metadata.name);
  return isTrustedRuleFile(file, {
    namespace,
    trusted: caches.platform.current().rollback.trustedRuleNamespaces,
    namespaces,
  });
};

const othersIn = ({ metadata }: Incident, { incidents }: Caches): Incident[] =>
  incidents.list(metadata.namespace).filter((other) => other.metadata.name !== metadata.name);

/** The burn began with its first alert, but not before the release under suspicion: that is what is asked. */
const burnStart = (incident: Incident, suspect: Release | undefined, opened: number): number => {
  return Math.max(alertedAt(incident.spec.evidence, opened), Date.parse(suspect?.firstSeenTime ?? '') || 0);
};

/** Of its workload, for other incidents. */
const rollbacksOf = (
  { metadata, spec: { workloadRef } }: Incident,
  history: ReleaseHistory | undefined,
  { incidents }: Caches,
): number[] =>
  rollbacksIn({ incidents, histories: { list: () => (history ? [history] : []) } }, metadata.namespace)
    .filter(({ workload }) => workload.kind === workloadRef.kind && workload.name === workloadRef.name)
    .filter(({ incident }) => incident !== metadata.name)
    .map(({ time }) => time);

/** The workload runs the target, and all of its pods are back but for those that lack a node. */
const isRestored = (key: WorkloadKey, incident: Incident, releases: readonly Release[], caches: Caches): boolean => {
  const workload = caches.workloads[key.kind].get(key);
  const wanted = incident.status?.target?.sourceDigest;
  if (!workload || wanted === undefined || recordedDigest(workload, releases) !== wanted) return false;
  return healthOf(workload).health === 'Current' || rolloutOf(workload, excusedPods(key, caches)).done;
};
