import { SYSTEM_NAMESPACE } from '../../api/annotations.ts';
import type { KubeError } from '../../kube/index.ts';

const CONTROLLER = `system:serviceaccount:${SYSTEM_NAMESPACE}:metricops`;

const REFUSAL =
  /User "([^"]+)" cannot [a-z]+ resource "([^"]+)" in API group "([^"]*)"(?: in the namespace "([^"]+)")?/;

/** Whether RBAC refused it, which quotes nothing of the object. */
export const isMissingRight = ({ status, message }: KubeError): boolean => status === 403 && REFUSAL.test(message);

/** The API server's words, and for a missing right the rule that gives it. */
export const messageOf = (error: KubeError): string => {
  const rule = missingRule(error);
  return rule === undefined ? error.message : `${error.message}; ${rule}`;
};

/** What RBAC refused, as a rule to add, in words and YAML; undefined for other refusals. */
const missingRule = ({ status, message }: KubeError): string | undefined => {
  const [, user, resource = '', group = '', namespace] = status === 403 ? (message.match(REFUSAL) ?? []) : [];
  if (user === undefined) return undefined;
  const yaml = (verbs: string): string =>
    `{apiGroups: ["${group}"], resources: [${resource.split('/')[0]}], verbs: [${verbs}]}`;
  if (user === CONTROLLER) {
    const where = 'a ClusterRole with the label metricops.dev/aggregate-to-applier=true';
    return `add to ${where}, or set spec.serviceAccountName: ${yaml('get, list, watch, create, update, patch, delete')}`;
  }
  const where = namespace === undefined ? 'a ClusterRole' : `a Role in ${namespace}`;
  return `add to ${where} of ${user.replace(/^system:serviceaccount:(.*):/, 'ServiceAccount $1/')}: ${yaml('get, create, patch, delete')}`;
};
