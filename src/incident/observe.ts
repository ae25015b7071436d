import { annotations } from '../api/annotations.ts';
import type { Incident } from '../api/incident.ts';
import type { KubeObject } from '../api/meta.ts';
import type { Release } from '../api/release-history.ts';
import type { Clock } from '../clock.ts';
import { selectLastGood } from '../release/last-good.ts';
import { namespaceOfRule } from '../slo/index.ts';
import { historyName, holdName } from '../snapshot/index.ts';
import { healthOf, otherToolOf } from '../sync/index.ts';
import type { Judge, Question } from './analysis.ts';
import { type Caches, guardFrom, platformOf } from './caches.ts';
import type { Observation } from './step.ts';

export interface ObservePorts {
  caches: Caches;
  judge: Judge;
  clock: Clock;
}

/** Everything that one step of an incident depends on, gathered: caches are read, Prometheus is asked. */
export const observe = async (incident: Incident, ports: ObservePorts): Promise<Observation> => {
  const { caches, clock } = ports;
  const { namespace = '' } = incident.metadata;
  const { kind, name } = incident.spec.workloadRef;
  const history = caches.histories.get({ namespace, name: historyName({ kind, name }) })?.status;
  const workload = caches.workloads[kind].get({ namespace, name });
  const { policy, guardrails } = guardFrom(caches, { kind, name, namespace });
  const suspect = history?.releases?.find((r) => r.sourceDigest === incident.spec.suspect?.sourceDigest);
  const now = clock.now();
  const opened = Date.parse(incident.spec.evidence[0]?.receivedTime ?? '') || now;
  const target = selectLastGood(
    { status: history },
    { burnStart: burnStart(incident, suspect, opened), suspect: suspect?.number },
  );
  const holds = caches.holds
    .list(namespace)
    .filter((h) => h.spec.workloadRef.kind === kind && h.spec.workloadRef.name === name);
  const rejected = incident.spec.suspect?.sourceDigest ?? '';
  const ownName = holdName({ kind, name }, rejected);
  const hold = holds.find((h) => h.metadata.name === ownName && h.spec.incident === incident.metadata.name);
  const phase = incident.status?.phase ?? 'Open';
  const judging = phase === 'Open' || phase === 'Judging';
  const before = target.release ?? history?.releases?.find((r) => r.number !== suspect?.number);
  const isTrustedRule = (file: string): boolean => isOfRuleNamespace(file, namespace, caches);
  const objectives = policy?.spec.objectives ?? [];
  const question: Question = { incident, suspect, before, objectives, guardrails, isTrustedRule, now };
  const [judged, burning] = await Promise.all([
    judging && suspect ? ports.judge.judge(question) : undefined,
    phase === 'Verifying' ? ports.judge.isBurning(question) : undefined,
  ]);
  // What was left out may still fire.
  const firing = incident.spec.truncated === true || incident.spec.evidence.some((e) => e.status === 'firing');
  return {
    history,
    policy: guardrails,
    verdict: judged?.verdict,
    caution: judged?.caution,
    target,
    hold,
    heldByOther: holds.some((h) => h !== hold && h.spec.rejectedDigests.includes(rejected)),
    paused: workload?.metadata.annotations?.[annotations.pause] === 'true',
    otherTool: workload && otherToolOf(workload),
    rollbacks: rollbacksOf(incident, caches),
    restored: workload !== undefined && isRestored(workload, incident),
    burning: burning ?? (firing ? undefined : false),
    firing,
    opened,
  };
};

/** The rule was written in the workload's namespace, or in one that the platform trusts. */
const isOfRuleNamespace = (file: string, namespace: string, caches: Caches): boolean => {
  const names = caches.namespaces.list().map(({ metadata }) => metadata.name);
  const own = namespaceOfRule(file, names);
  return own !== undefined && (own === namespace || platformOf(caches).rollback.trustedRuleNamespaces.includes(own));
};

/** The burn began with its first alert, but not before the release under suspicion: that is what is asked. */
const burnStart = (incident: Incident, suspect: Release | undefined, opened: number): number => {
  const starts = incident.spec.evidence.map((e) => Date.parse(e.startsAt ?? e.receivedTime));
  return Math.max(Math.min(opened, ...starts), Date.parse(suspect?.firstSeenTime ?? '') || 0);
};

const rollbacksOf = (incident: Incident, { incidents }: Caches): number[] =>
  incidents
    .list(incident.metadata.namespace)
    .filter(
      (i) =>
        i.metadata.name !== incident.metadata.name &&
        i.spec.workloadRef.kind === incident.spec.workloadRef.kind &&
        i.spec.workloadRef.name === incident.spec.workloadRef.name,
    )
    .flatMap((i) => (i.status?.rolledBackTime === undefined ? [] : [Date.parse(i.status.rolledBackTime)]));

const isRestored = (workload: KubeObject, incident: Incident): boolean => {
  const digest = workload.metadata.annotations?.[annotations.sourceDigest];
  const target = incident.status?.target?.sourceDigest;
  return (digest === undefined || digest === target) && healthOf(workload).health === 'Current';
};
