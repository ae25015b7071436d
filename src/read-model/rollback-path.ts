import { annotations } from '../api/annotations.ts';
import { conditionOf } from '../api/conditions.ts';
import { dependencyEntries } from '../api/depends-on.ts';
import type { Hold } from '../api/hold.ts';
import type { KubeObject } from '../api/meta.ts';
import type { PlatformPolicySpec } from '../api/platform-policy.ts';
import { isReason, reasons } from '../api/reasons.ts';
import { currentOf, type ReleaseHistory, recordsOf } from '../api/release-history.ts';
import { isMeasured, type RollbackMode, type RollbackPolicy } from '../api/rollback-policy.ts';
import type { WorkloadKey } from '../api/workload.ts';
import { otherToolOf } from '../holds/index.ts';
import { frozenAt } from '../policy/freeze.ts';
import { type Guard, guardOf } from '../policy/guard.ts';
import { annotateMode, optedIn, owner, type PathStep, paused, target, unrecorded, waysTo } from '../slo/index.ts';
import { recordedDigest } from '../snapshot/index.ts';
import { type Coverage, isUncovered } from './coverage.ts';

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
  const facts = { ...objects, otherTool: otherToolOf(objects.workload) };
  const steps = [
    optedIn(key, facts),
    recorder(objects),
    unrecorded(facts) ?? recorded(objects),
    alerts(key, objects, guard),
    policy(guard),
    dependencies(key, objects),
    paused(key, facts) ?? mode(key, guard, now),
    owner(facts),
    target(key, facts, now),
  ];
  return steps.filter((step) => step !== undefined);
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

const recorded = ({ workload, history }: PathObjects): PathStep | undefined => {
  const name = 'recorded';
  const current = currentOf(recordsOf(history));
  if (!history || !current) return undefined;
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

/** What its alerts have to say; whether a rule makes them, and whether they arrive, the controller found out. */
const alerts = (key: WorkloadKey, { workload, namespace }: PathObjects, { policy }: Guard): PathStep => {
  const ways = waysTo(key, { workload, policy, namespace }).map((labels) =>
    Object.entries(labels)
      .filter(([label]) => label !== 'namespace')
      .map(([label, value]) => `${label}="${value}"`)
      .join(', '),
  );
  if (ways.length === 0) {
    const message = 'no alert reaches it: it has neither a RollbackPolicy nor opted in';
    return { name: 'alerts', result: 'failed', reason: 'NoAlertRule', message, next: 'opt it in' };
  }
  const message = `an alert with namespace="${key.namespace}" reaches it by its labels: ${ways.join('; or ')}`;
  const reach = policy && conditionOf(policy, 'AlertsReach');
  return { name: 'alerts', result: 'ok', message: reach?.status === 'True' ? `${message}; ${reach.message}` : message };
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
  if (ready.status !== 'True') {
    const message = `RollbackPolicy ${called}: ${ready.message} (${ready.reason})`;
    const next = isReason(ready.reason) ? { next: reasons[ready.reason].next } : {};
    return { name, result: 'failed', message, ...next };
  }
  const measured = found.spec.objectives.filter(isMeasured).length;
  const of = `${measured} of ${found.spec.objectives.length} objectives with an indicator`;
  return { name, result: 'ok', message: `RollbackPolicy ${called} judges it: ${of}` };
};

/** Nothing is said of a workload that names none. */
const dependencies = (
  { namespace }: WorkloadKey,
  { workload, history, platform }: PathObjects,
): PathStep | undefined => {
  const name = 'dependencies';
  const entries = dependencyEntries(workload);
  if (entries.length === 0) return undefined;
  const unknown = history && conditionOf(history, 'DependenciesKnown');
  if (unknown?.status === 'False')
    return { name, result: 'warning', message: unknown.message, next: `correct ${annotations.dependsOn}` };
  const foreign = entries.filter(({ workload: one }) => one && one.namespace !== namespace).map(({ said }) => said);
  if (foreign.length > 0 && !platform.rollback.dependenciesAcrossNamespaces) {
    const message = `${foreign.join(', ')} does not count: it is of another namespace`;
    const next = 'the PlatformPolicy allows it with rollback.dependenciesAcrossNamespaces';
    return { name, result: 'warning', message, next };
  }
  const message = `it depends on ${entries.map(({ said }) => said).join(', ')}: what burns there is not its fault`;
  return { name, result: 'ok', message };
};

const MODES: Record<RollbackMode, Pick<PathStep, 'result' | 'message'>> = {
  Auto: { result: 'ok', message: 'mode Auto: a guilty release is rolled back' },
  Approve: { result: 'warning', message: 'mode Approve: a person has to agree' },
  DryRun: { result: 'failed', message: 'mode DryRun: it is only said what would be rolled back' },
  Off: { result: 'failed', message: 'mode Off: a burn is only recorded' },
};

const mode = (key: WorkloadKey, { guardrails, policy: found }: Guard, now: number): PathStep => {
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
    : annotateMode(key);
  return { ...step, next };
};
