import type { Condition } from '../../api/common.ts';
import { conditionIs } from '../../api/conditions.ts';
import type { KubeObject } from '../../api/meta.ts';
import type { Clock } from '../../clock.ts';
import { type Discovery, type KubeClient, resources } from '../../kube/index.ts';
import type { PlannedObject } from '../plan/types.ts';

const POLL_MS = 50;
/** A definition is served within a second; one that is not has a condition that says why, and its objects are retried. */
const LIMIT_MS = 10_000;

/** Resolves when the definitions among these objects are served, so that their objects can follow in the same sync. */
export const awaitEstablished = async (
  planned: readonly PlannedObject[],
  { client, discovery, clock, signal }: { client: KubeClient; discovery: Discovery; clock: Clock; signal: AbortSignal },
): Promise<void> => {
  const definitions = planned.filter(({ object }) => object.kind === 'CustomResourceDefinition');
  if (definitions.length === 0) return;
  const until = clock.now() + LIMIT_MS;
  const established: KubeObject[] = [];
  for (const { object } of definitions) {
    let live = await client.get(resources.crds, object.metadata);
    for (; isPending(live) && clock.now() < until; live = await client.get(resources.crds, object.metadata)) {
      signal.throwIfAborted();
      await clock.sleep(POLL_MS);
    }
    if (live && says(live, 'Established', 'True')) established.push(live);
  }
  // It is served a moment before discovery tells of it.
  for (await discovery.refresh(); clock.now() < until; await discovery.refresh()) {
    const found = await Promise.all(established.map((definition) => isDiscovered(definition, discovery)));
    if (!found.includes(false)) return;
    signal.throwIfAborted();
    await clock.sleep(POLL_MS);
  }
};

/** Gone (or refused) is not: there is nothing to wait for. */
const isPending = (definition: KubeObject | undefined): boolean =>
  definition !== undefined && !says(definition, 'Established', 'True') && !says(definition, 'NamesAccepted', 'False');

const says = ({ status }: KubeObject, type: string, is: 'True' | 'False'): boolean => {
  // A definition that was just made has `conditions: null`.
  const { conditions } = (status ?? {}) as { conditions?: Condition[] | null };
  return conditionIs(conditions, type, is);
};

interface DefinitionSpec {
  group: string;
  names: { kind: string };
  versions: { name: string; served: boolean }[];
}

const isDiscovered = async ({ spec }: KubeObject, discovery: Discovery): Promise<boolean> => {
  const { group, names, versions } = spec as DefinitionSpec;
  const served = versions.filter((version) => version.served);
  const types = await Promise.all(
    // Not found is one answer of a group that is only just being made.
    served.map(({ name }) => discovery.find(`${group}/${name}`, names.kind).catch(() => undefined)),
  );
  return !types.includes(undefined);
};
