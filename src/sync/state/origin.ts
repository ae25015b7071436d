import type { GitSync, GitSyncStatus } from '../../api/gitsync.ts';
import { MAX_INPUTS } from '../../api/gitsync.ts';
import { type KubeObject, keyOf, keyString } from '../../api/meta.ts';
import { isWorkloadOptedIn } from '../../api/optin.ts';
import type { Input } from '../../render/index.ts';
import { hashOf } from '../../snapshot/index.ts';
import { sourceKey } from '../../source/heads.ts';
import { VERSION } from '../../version.ts';
import { isWorkload } from '../plan/match-holds.ts';
import type { PlannedObject } from '../plan/types.ts';
import type { Planned } from './sync-state.ts';
import { FORMAT, type SentPorts, short } from './trace.ts';

/**
 * Identity of all that a plan was made from, but for its inputs in Git and the objects themselves: this version, the
 * spec, the policy of the platform, and what the cluster says about the objects.
 * @param fingerprint see `fingerprintOf`
 * @param of the objects, as they are applied, in any order
 */
export const originOf = (
  fingerprint: string,
  of: { objects: readonly KubeObject[]; planned: readonly PlannedObject[] },
  { namespaces, scaled }: SentPorts,
): string => {
  const said = of.objects.map((object) => {
    const { metadata } = object;
    // What the template says is in Git.
    const optedIn =
      isWorkload(object) && isWorkloadOptedIn({ metadata }, namespaces.get({ name: metadata.namespace ?? '' }));
    return JSON.stringify([keyString(keyOf(object)), scaled.isScaled(object, of.planned), optedIn]);
  });
  return short(hashOf([FORMAT, VERSION, fingerprint, said.toSorted()]));
};

type PlannedFrom = NonNullable<GitSyncStatus['plannedFrom']>;

/** For the status; undefined where the next process has to render again. */
export const plannedFrom = ({ origin, inputs }: Planned, isChart: boolean): PlannedFrom | undefined =>
  origin === undefined || inputs.length > MAX_INPUTS
    ? undefined
    : {
        digest: origin,
        inputs: inputs.map(({ path, id }) => ({ path, id })),
        ...(isChart && { isChart }),
      };

/** What an earlier process rendered, as the status has it. */
export const inputsBefore = (sync: GitSync): Input[] | undefined => {
  const source = sourceKey(sync);
  return sync.status?.plannedFrom?.inputs.map((input) => ({ source, ...input }));
};
