import { SYSTEM_NAMESPACE } from '../../src/api/annotations.ts';
import type { Environment } from '../../tools/demo/environment.ts';

export interface Tenant {
  serviceAccountName: string;
  /** Gives its account the right to apply what the shop has. */
  grant(): Promise<unknown>;
  revoke(): Promise<unknown>;
}

/** A namespace with an account of its own, which may apply there what the shop has. */
export const createTenant = async ({ kubectl }: Environment, namespace: string): Promise<Tenant> => {
  const name = 'deployer';
  const here = ['-n', namespace];
  const tenant: Tenant = {
    serviceAccountName: name,
    grant: () =>
      kubectl(['create', 'rolebinding', name, `--role=${name}`, `--serviceaccount=${namespace}:${name}`, ...here]),
    revoke: () => kubectl(['delete', 'rolebinding', name, ...here]),
  };
  await kubectl(['create', 'namespace', namespace]);
  await kubectl(['create', 'serviceaccount', name, ...here]);
  const kinds = '--resource=deployments.apps,configmaps,services';
  await kubectl(['create', 'role', name, '--verb=get,list,create,patch,delete', kinds, ...here]);
  await tenant.grant();
  return tenant;
};

/**
 * Takes away what lets the controller apply as itself, as an operator does who has tenants (deploy/rbac/applier.yaml).
 * Gives a function that brings it back.
 */
export const withoutApplier = async ({ kubectl }: Environment): Promise<() => Promise<unknown>> => {
  const applier = ['clusterrolebinding', 'metricops-applier'];
  const binding = await kubectl(['get', ...applier, '-o', 'json']);
  await kubectl(['delete', ...applier]);
  return () => kubectl(['apply', '--server-side', '-f', '-'], withoutVersion(binding));
};

/** Whether the controller itself may apply a ConfigMap, as the API server's authorizer says. */
export const mayApply = async ({ kubectl }: Environment): Promise<boolean> => {
  const review = {
    apiVersion: 'authorization.k8s.io/v1',
    kind: 'SubjectAccessReview',
    spec: {
      user: `system:serviceaccount:${SYSTEM_NAMESPACE}:metricops`,
      resourceAttributes: { namespace: 'default', verb: 'patch', resource: 'configmaps' },
    },
  };
  const answer: { status: { allowed: boolean } } = JSON.parse(
    await kubectl(['create', '-f', '-', '-o', 'json'], JSON.stringify(review)),
  );
  return answer.status.allowed;
};

/** As it may be created again. */
const withoutVersion = (json: string): string => {
  const object: { metadata: object } = JSON.parse(json);
  const gone = { uid: undefined, resourceVersion: undefined, creationTimestamp: undefined, managedFields: undefined };
  return JSON.stringify({ ...object, metadata: { ...object.metadata, ...gone } });
};
