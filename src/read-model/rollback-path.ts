import { isSwitchedOn } from '../api/annotation-values.ts';
import { annotations } from '../api/annotations.ts';
import { conditionOf } from '../api/conditions.ts';
import type { Hold } from '../api/hold.ts';
import type { KubeObject } from '../api/meta.ts';
import { isWorkloadOptedIn } from '../api/optin.ts';
import type { PlatformPolicySpec } from '../api/platform-policy.ts';
import { currentOf, type ReleaseHistory, recordsOf } from '../api/release-history.ts';
import { isMeasured, type RollbackMode, type RollbackPolicy } from '../api/rollback-policy.ts';
import type { WorkloadKey } from '../api/workload.ts';
import { isRollbackTarget, otherToolOf } from '../holds/index.ts';
import { frozenAt } from '../policy/freeze.ts';
import { type Guard, guardOf } from '../policy/guard.ts';
import { selectLastGood } from '../release/index.ts';
import { recordedDigest } from '../snapshot/index.ts';
import { type Coverage, isUncovered } from './coverage.ts';

/** One part of the way from a burn to a rollback. */
export interface PathStep {
  name: 'optedIn' | 'recorder' | 'recorded' | 'target' | 'owner' | 'mode' | 'policy' | 'alerts';
  /** warning: a person is asked instead, or it costs something. failed: no rollback comes of a burn. */
  result: 'ok' | 'warning' | 'failed';
  message: string;
  /** What to do about it. */
  next?: string;
}

/** What a burn of one workload depends on. */
export interface PathObjects {
  workload: KubeObject;
  /** undefined: nobody may read it. */
  namespace: KubeObject | undefined;
  /** undefined: nobody may list pods. */
  coverage: Coverage | undefined;
  history: ReleaseHistory | undefined;
  holds: readonly Hold[];
  policies: readonly RollbackPolicy[];
  platform: PlatformPolicySpec;
}

/** Whether a burn of the workload that began now would lead to a rollback, and if not, why not: in the order of events. */
export const rollbackPath = (key: WorkloadKey, objects: PathObjects, now: number): PathStep[] => {
  const guard = guardOf(key, objects.workload, objects.policies, objects.platform);
  const steps = [
    optedIn(key, objects),
    recorder(objects),
    recorded(objects),
    alerts(key, objects, guard),
    policy(guard),
    mode(key, objects, guard, now),
    owner(objects),
    target(key, objects, now),
  ];
  return steps.filter((step) => step !== undefined);
};

const kubectl = ({ kind, namespace, name }: WorkloadKey, what: string): string =>
  `kubectl -n ${namespace} annotate ${kind.toLowerCase()}/${name} ${what}`;

const optedIn = (key: WorkloadKey, { workload, namespace }: PathObjects): PathStep => {
  if (isWorkloadOptedIn(workload, namespace))
    return { name: 'optedIn', result: 'ok', message: 'opted in: its releases are recorded' };
  const next = kubectl(key, 'metricops.dev/inject=true');
  return { name: 'optedIn', result: 'failed', message: 'not opted in: its releases are not recorded', next };
};

const recorder = ({ coverage }: PathObjects): PathStep | undefined => {
  if (!coverage) return undefined;
  const { pods, injected, why } = coverage;
  if (pods === 0)
    return {
      name: 'recorder',
      result: 'warning',
      message: 'no pod of it runs',
      next: 'scale it up, or wait for its pods',
    };
  if (!isUncovered(coverage)) return { name: 'recorder', result: 'ok', message: `the recorder is in all ${pods} pods` };
  const message = `${pods - injected} of ${pods} pods run without the recorder${why === undefined ? '' : `: ${why}`}`;
  const next = 'the next rollout injects it: kubectl rollout restart';
  return { name: 'recorder', result: injected === 0 ? 'failed' : 'warning', message, next };
};

const recorded = ({ workload, history }: PathObjects): PathStep => {
  const name = 'recorded';
  const current = currentOf(recordsOf(history));
  if (!history || !current) {
    const next = 'a release is recorded when one of its pods with the recorder is ready';
    return { name, result: 'failed', message: 'no release of it is recorded yet', next };
  }
  const lacking = conditionOf(history, 'Recorded');
  if (lacking?.status === 'False')
    return { name, result: 'failed', message: `release ${current.number} is not recorded in full: ${lacking.message}` };
  const digest = recordedDigest(workload, recordsOf(history).releases ?? []);
  if (digest !== current.sourceDigest) {
    const message = `release ${current.number} is recorded, and what is rolled out now is not yet`;
    return { name, result: 'warning', message, next: 'wait for the first of its new pods' };
  }
  const pinned = conditionOf(history, 'ImagesPinned');
  if (pinned?.status === 'False')
    return { name, result: 'warning', message: `release ${current.number} is recorded; ${pinned.message}` };
  return { name, result: 'ok', message: `release ${current.number} runs and is recorded` };
};

/** What its alerts have to say. Whether one arrives, the cluster's objects do not show. */
const alerts = ({ kind, namespace, name }: WorkloadKey, { workload }: PathObjects, { policy }: Guard): PathStep => {
  const said = workload.metadata.annotations?.[annotations.alerts];
  const ways = [
    `${kind.toLowerCase()}="${name}"`,
    ...(said === undefined ? [] : [said]),
    ...(policy?.spec.objectives ?? []).flatMap(({ alerts: claimed }) =>
      claimed
        ? [
            Object.entries(claimed.matchLabels)
              .map(([label, value]) => `${label}="${value}"`)
              .join(', '),
          ]
        : [],
    ),
  ];
  const message = `an alert with namespace="${namespace}" reaches it by its labels: ${ways.join('; or ')}`;
  return { name: 'alerts', result: 'ok', message };
};

const policy = ({ policy: found }: Guard): PathStep => {
  const name = 'policy';
  if (!found) {
    const message =
      'no RollbackPolicy names or selects it: the alert rule is the evidence, if it is of this namespace or a trusted one';
    return {
      name,
      result: 'warning',
      message,
      next: 'create a RollbackPolicy with an indicator: it is judged by requests',
    };
  }
  const { name: called } = found.metadata;
  const ready = conditionOf(found, 'Ready');
  if (!ready) {
    const message = `RollbackPolicy ${called}: the controller has not answered yet`;
    return { name, result: 'warning', message, next: 'metricops check' };
  }
  if (ready.status !== 'True')
    return { name, result: 'failed', message: `RollbackPolicy ${called}: ${ready.message} (${ready.reason})` };
  const measured = found.spec.objectives.filter(isMeasured).length;
  const of = `${measured} of ${found.spec.objectives.length} objectives with an indicator`;
  return { name, result: 'ok', message: `RollbackPolicy ${called} judges it: ${of}` };
};

const MODES: Record<RollbackMode, Pick<PathStep, 'result' | 'message'>> = {
  Auto: { result: 'ok', message: 'mode Auto: a guilty release is rolled back' },
  Approve: { result: 'warning', message: 'mode Approve: a person has to agree' },
  DryRun: { result: 'failed', message: 'mode DryRun: it is only said what would be rolled back' },
  Off: { result: 'failed', message: 'mode Off: a burn is only recorded' },
};

const mode = (
  key: WorkloadKey,
  { workload }: PathObjects,
  { guardrails, policy: found }: Guard,
  now: number,
): PathStep => {
  if (isSwitchedOn(workload.metadata, annotations.pause)) {
    const message = `${annotations.pause} is set: nothing changes it`;
    return { name: 'mode', result: 'failed', message, next: `metricops resume ${key.kind.toLowerCase()}/${key.name}` };
  }
  const step: PathStep = { name: 'mode', ...MODES[guardrails.mode] };
  const frozen = guardrails.mode === 'Auto' ? frozenAt(guardrails.freeze, now) : undefined;
  if (frozen) {
    const end = frozen.until === undefined ? '' : ` until ${new Date(frozen.until).toISOString()}`;
    return {
      name: 'mode',
      result: 'warning',
      message: `mode Auto, but ${frozen.what} holds${end}: a person has to agree`,
    };
  }
  if (step.result !== 'failed') return step;
  const next = found
    ? `kubectl -n ${key.namespace} patch rollbackpolicy ${found.metadata.name} --type=merge -p '{"spec":{"mode":"Auto"}}'`
    : kubectl(key, `${annotations.rollback}=Auto`);
  return { ...step, next };
};

const owner = ({ workload }: PathObjects): PathStep => {
  const tool = otherToolOf(workload);
  return tool === undefined
    ? { name: 'owner', result: 'ok', message: 'no other tool would undo a rollback' }
    : { name: 'owner', result: 'failed', message: `${tool} applies it and would undo a rollback` };
};

const target = (key: WorkloadKey, { history, holds }: PathObjects, now: number): PathStep => {
  const name = 'target';
  const records = recordsOf(history);
  const current = currentOf(records);
  if (current && isRollbackTarget(holds, key, current.sourceDigest)) {
    const message = `release ${current.number} is itself the result of a rollback: a person decides about it`;
    return { name, result: 'warning', message };
  }
  if (current?.irreversible !== undefined) {
    const message = `release ${current.number} is irreversible (${current.irreversible}): a person decides about it`;
    return { name, result: 'warning', message };
  }
  const found = selectLastGood(records, { burnStart: now });
  if (!found.release) return { name, result: 'failed', message: `nothing to go back to: ${found.message}` };
  return { name, result: 'ok', message: `a rollback goes to release ${found.release.number}` };
};
