import { annotations } from '../api/annotations.ts';
import type { RollbackHold } from '../api/hold.ts';
import type { KubeObject } from '../api/meta.ts';
import { workloadResource } from '../kube/index.ts';
import { type Snapshot, templateOf, withPins } from '../snapshot/index.ts';
import type { EnforcePorts } from './types.ts';

/**
 * A workload that no GitSync applies (any more) gets the template of the target back, with the controller's own rights,
 * if nobody changed it meanwhile. Apply could not remove what others own.
 */
export const patchTemplate = (
  { spec: { target } }: RollbackHold,
  live: KubeObject,
  snapshot: Snapshot,
  { client }: Pick<EnforcePorts, 'client'>,
): Promise<KubeObject> => {
  const { uid, resourceVersion } = live.metadata;
  const body = [
    // Preconditions: another state of it is a conflict, where a `test` would be an invalid patch.
    { op: 'replace', path: '/metadata/uid', value: uid },
    { op: 'replace', path: '/metadata/resourceVersion', value: resourceVersion },
    { op: 'replace', path: '/spec/template', value: templateOf(withPins(snapshot.workload, target.images)) },
    ...stamps(live, { sourceDigest: target.sourceDigest, snapshot: target.snapshotRef.name }),
  ];
  const type = workloadResource(live.kind as 'Deployment');
  return client.patch(type, live.metadata, { type: 'json', body }, { fieldManager: 'metricops' });
};

/** What a GitSync that is gone left on the workload names the release: it must not name the rejected one. */
const stamps = (live: KubeObject, said: { sourceDigest: string; snapshot: string }): object[] =>
  (['sourceDigest', 'snapshot'] as const)
    .filter((name) => live.metadata.annotations?.[annotations[name]] !== undefined)
    .map((name) => ({
      op: 'replace',
      path: `/metadata/annotations/${annotations[name].replaceAll('/', '~1')}`,
      value: said[name],
    }));
