import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { loadAll } from 'js-yaml';
import { SYSTEM_NAMESPACE } from '../../src/api/annotations.ts';
import type { KubeObject } from '../../src/api/meta.ts';
import { createKubeClient, type KubeClient, loadConnection, resources } from '../../src/kube/index.ts';
import type { ControlPlane } from './cluster.ts';
import { eventually } from './poll.ts';

const RBAC = join(import.meta.dirname, '../../deploy/rbac');

/**
 * The controller's own ServiceAccount with the rights that deploy/rbac gives it, by a token of its own.
 * @param account `locked-down`: another ServiceAccount, without the binding that lets it apply, as the operator of a
 *   platform removes it
 */
export const controllerClient = async (
  plane: ControlPlane,
  account: 'metricops' | 'locked-down',
): Promise<KubeClient & { close(): Promise<void> }> => {
  const { client, kubectl } = plane;
  await client.apply(
    resources.namespaces,
    { apiVersion: 'v1', kind: 'Namespace', metadata: { name: SYSTEM_NAMESPACE } },
    { fieldManager: 'test' },
  );
  const objects = ['controller.yaml', 'applier.yaml'].flatMap((file) =>
    (loadAll(readFileSync(join(RBAC, file), 'utf8')) as KubeObject[]).map((object) => forAccount(object, account)),
  );
  const wanted = objects.filter(
    ({ kind, metadata }) => account === 'metricops' || kind.endsWith('Role') || !metadata.name.includes('applier'),
  );
  const serviceAccount = {
    apiVersion: 'v1',
    kind: 'ServiceAccount',
    metadata: { name: account, namespace: SYSTEM_NAMESPACE },
  };
  kubectl(['apply', '-f', '-'], [serviceAccount, ...wanted].map((object) => JSON.stringify(object)).join('\n---\n'));
  const token = kubectl(['create', 'token', account, '--namespace', SYSTEM_NAMESPACE]).trim();
  const { cert: _, key: __, ...connection } = await loadConnection({ kubeconfig: plane.kubeconfig });
  const own = createKubeClient({ ...connection, token: async () => token });
  // Bindings, and the rules of an aggregated role, take a moment.
  const right = account === 'metricops' ? resources.services : resources.holds;
  await eventually(() => own.list(right).then(Boolean, () => false), { what: `the rights of ${account}` });
  return own;
};

/** Bindings under the account's name; the roles are the shipped ones. */
const forAccount = (object: KubeObject, account: string): KubeObject =>
  object.kind.endsWith('Binding')
    ? {
        ...object,
        metadata: { ...object.metadata, name: `${object.metadata.name}-${account}` },
        subjects: [{ kind: 'ServiceAccount', name: account, namespace: SYSTEM_NAMESPACE }],
      }
    : object;
