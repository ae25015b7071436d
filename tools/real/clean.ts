import type { KubeObject } from '../../src/api/meta.ts';
import { resources } from '../../src/kube/index.ts';
import { waitFor } from '../cluster/wait.ts';
import { find } from './compare.ts';
import { RELEASE } from './expected.ts';
import type { Plane } from './plane.ts';
import type { Sides } from './try-case.ts';

/** Removes what a case made, so that the next one finds neither its objects nor its kinds. */
export const cleanUp = async (sides: Sides, namespace: string, objects: readonly KubeObject[]): Promise<void> => {
  const sync = { namespace, name: RELEASE };
  const { client } = sides.ours;
  // Suspended, it deletes nothing: what would correct our deletions is gone first.
  await client.patch(resources.gitSyncs, sync, { type: 'merge', body: { spec: { suspend: true } } });
  await client.delete(resources.gitSyncs, sync);
  await waitFor(
    'the GitSync to be gone',
    async () => ((await client.get(resources.gitSyncs, sync)) ? undefined : true),
    {
      timeoutMs: 60_000,
    },
  );
  await Promise.all([sides.ours, sides.theirs].map((plane) => removeAll(plane, namespace, objects)));
};

/** They may refuse all else. */
const FIRST = /WebhookConfiguration$|^ValidatingAdmissionPolicy|^APIService$/;

const removeAll = async (plane: Plane, namespace: string, objects: readonly KubeObject[]): Promise<void> => {
  // The namespace takes its own with it, and nobody waits for that.
  const others = objects.filter(
    ({ metadata }) => metadata.namespace !== namespace || metadata.finalizers !== undefined,
  );
  const inOrder = others.toSorted((a, b) => Number(FIRST.test(b.kind)) - Number(FIRST.test(a.kind)));
  for (const object of inOrder) await remove(plane, object);
  await plane.client.delete(resources.namespaces, { name: namespace });
  for (const object of inOrder) {
    const type = await find(plane.discovery, object);
    if (!type) continue;
    const isGone = async (): Promise<true | undefined> =>
      (await plane.client.get(type, object.metadata).catch(() => undefined)) ? undefined : true;
    await waitFor(`${object.kind} ${object.metadata.name} to be gone`, isGone, { timeoutMs: 90_000 });
  }
};

const BUILT_IN = new Set(['default', 'kube-system', 'kube-public', 'kube-node-lease', 'metricops-system']);

const remove = async (plane: Plane, object: KubeObject): Promise<void> => {
  const { kind, metadata } = object;
  if (kind === 'Namespace' && BUILT_IN.has(metadata.name)) return;
  const type = await find(plane.discovery, object);
  if (!type) return;
  const ignore = (): void => {}; // it may be gone, or not there at all
  if (metadata.finalizers !== undefined)
    await plane.client.patch(type, metadata, { type: 'merge', body: { metadata: { finalizers: null } } }).catch(ignore);
  await plane.client.delete(type, metadata, { propagationPolicy: 'Background' }).catch(ignore);
};
