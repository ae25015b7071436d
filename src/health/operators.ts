import { groupOf } from '../api/meta.ts';
import { conditionOf, current, inProgress, type Judgement, type Rule, type Status, wordsOf } from './rules.ts';

/**
 * Kinds of operators whose status kstatus does not understand, or for which an object without any status would be Current
 * to it. None is ever Failed: the operator, a key or a gateway may still come.
 */
export const operatorRuleFor = (apiVersion: string, kind: string): Rule | undefined =>
  RULES[`${groupOf(apiVersion)}/${kind}`];

const OLDER = 'its controller has not seen its newest spec';

/** True, and about the newest spec, where the condition says which one it is about. */
const needs =
  (type: string): Rule =>
  (status, _, generation) =>
    unmet(status, type, generation) ?? current;

const unmet = (status: Pick<Status, 'conditions'>, type: string, generation: number): Judgement | undefined => {
  const condition = conditionOf(status, type);
  if ((condition?.observedGeneration ?? generation) < generation) return inProgress(OLDER);
  if (!condition) return inProgress(`its controller has not written ${type} yet`);
  return condition.status === 'True' ? undefined : inProgress(wordsOf(condition, `${type} is not True`));
};

/** What is switched off on purpose waits for nothing: its controller may write no status then. */
const unless =
  (off: (status: Status, spec: { paused?: unknown }) => boolean, rule: Rule): Rule =>
  (status, spec, generation) =>
    off(status, spec) ? current : rule(status, spec, generation);

/** It notes the generation that it has synced, but for secrets that are read once. */
const externalSecret: Rule = (status, spec, generation) => {
  const [synced = ''] = (status.syncedResourceVersion ?? '').split('-');
  const isOlder = /^\d+$/.test(synced) && Number(synced) < generation && spec.refreshPolicy !== 'CreatedOnce';
  return isOlder ? inProgress(OLDER) : needs('Ready')(status, spec, generation);
};

const gateway: Rule = (status, _, generation) =>
  unmet(status, 'Accepted', generation) ?? unmet(status, 'Programmed', generation) ?? current;

/** Each gateway that it names says whether it takes the route. */
const route: Rule = (status, spec, generation) => {
  if (!spec.parentRefs?.length) return current;
  const parents = Array.isArray(status.parents) ? status.parents : [];
  if (parents.length === 0) return inProgress('no Gateway has accepted it');
  for (const parent of parents) {
    const conditions = parent ?? {};
    const missing = unmet(conditions, 'Accepted', generation) ?? refused(conditions, 'ResolvedRefs', generation);
    const { name = '' } = parent?.parentRef ?? {};
    if (missing) return inProgress(`Gateway ${name}: ${missing.message}`);
  }
  return current;
};

/** Not every controller writes it. */
const refused = (status: Pick<Status, 'conditions'>, type: string, generation: number): Judgement | undefined =>
  conditionOf(status, type) ? unmet(status, type, generation) : undefined;

const ready = needs('Ready');
const isPaused = (status: Status): boolean => conditionOf(status, 'Paused')?.status === 'True';
const scaled = unless(isPaused, ready);
const monitoring = unless((_, { paused }) => paused === true, needs('Available'));

const RULES: Readonly<Record<string, Rule>> = {
  'cert-manager.io/Certificate': ready,
  'cert-manager.io/Issuer': ready,
  'cert-manager.io/ClusterIssuer': ready,
  'external-secrets.io/ExternalSecret': externalSecret,
  'external-secrets.io/ClusterExternalSecret': ready,
  'external-secrets.io/PushSecret': ready,
  'external-secrets.io/SecretStore': ready,
  'external-secrets.io/ClusterSecretStore': ready,
  'bitnami.com/SealedSecret': needs('Synced'),
  'gateway.networking.k8s.io/GatewayClass': needs('Accepted'),
  'gateway.networking.k8s.io/Gateway': gateway,
  'gateway.networking.k8s.io/HTTPRoute': route,
  'gateway.networking.k8s.io/GRPCRoute': route,
  'gateway.networking.k8s.io/TLSRoute': route,
  'gateway.networking.k8s.io/TCPRoute': route,
  'gateway.networking.k8s.io/UDPRoute': route,
  'keda.sh/ScaledObject': scaled,
  'keda.sh/ScaledJob': scaled,
  'monitoring.coreos.com/Prometheus': monitoring,
  'monitoring.coreos.com/PrometheusAgent': monitoring,
  'monitoring.coreos.com/Alertmanager': monitoring,
  'monitoring.coreos.com/ThanosRuler': monitoring,
};
