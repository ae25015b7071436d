import type { KubeObject } from '../api/meta.ts';
import type { Clock } from '../clock.ts';
import { type Discovery, type KubeClient, resources } from '../kube/index.ts';
import type { PlannedObject } from './plan.ts';

const POLL_MS = 50;
/** A definition is served within a second; one that is not has a condition that says why, and its objects are retried. */
const LIMIT_MS = 10_000;

/** Resolves when the definitions among these objects are served, so that their objects can follow in the same sync. */
export const awaitEstablished = async (
  planned: readonly PlannedObject[],
  { client, discovery, clock }: { client: KubeClient; discovery: Discovery; clock: Clock },
): Promise<void> => {
  const definitions = planned.filter(({ object }) => object.kind === 'CustomResourceDefinition');
  const until = clock.now() + LIMIT_MS;
  for (const { object } of definitions) {
    while (clock.now() < until && !isEstablished(await client.get(resources.crds, object.metadata))) {
      await clock.sleep(POLL_MS);
    }
  }
  if (definitions.length > 0) await discovery.refresh();
};

/** Gone (or refused) counts: there is nothing to wait for. */
const isEstablished = (definition: KubeObject | undefined): boolean => {
  if (!definition) return true;
  const { conditions = [] } = (definition.status ?? {}) as { conditions?: { type: string; status: string }[] };
  return conditions.some(
    ({ type, status }) =>
      (type === 'Established' && status === 'True') || (type === 'NamesAccepted' && status === 'False'),
  );
};
