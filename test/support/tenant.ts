import { SYSTEM_NAMESPACE } from '../../src/api/annotations.ts';
import { resources } from '../../src/kube/index.ts';
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

/** As it may be created again. */
const withoutVersion = (json: string): string => {
  const object: { metadata: object } = JSON.parse(json);
  const gone = { uid: undefined, resourceVersion: undefined, creationTimestamp: undefined, managedFields: undefined };
  return JSON.stringify({ ...object, metadata: { ...object.metadata, ...gone } });
};

/** Of a counter of the controller, the sum over its replicas of the series that have this label. */
export const countOf = async ({ client }: Environment, metric: string, label: string): Promise<number> => {
  const labelSelector = 'app.kubernetes.io/name=metricops,app.kubernetes.io/component=controller';
  const { items } = await client.list(resources.pods, { namespace: SYSTEM_NAMESPACE, labelSelector });
  const counts = items.map(async ({ status }) => {
    const { podIP } = (status ?? {}) as { podIP?: string };
    const text = await (await fetch(`http://${podIP}:8080/metrics`)).text();
    const series = text.split('\n').filter((line) => line.startsWith(`${metric}{`) && line.includes(label));
    return series.reduce((sum, line) => sum + Number(line.split(' ').at(-1)), 0);
  });
  return (await Promise.all(counts)).reduce((sum, count) => sum + count, 0);
};
