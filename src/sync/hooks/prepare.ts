import { annotations, labels } from '../../api/annotations.ts';
import { parseDuration } from '../../api/common.ts';
import type { GitSync } from '../../api/gitsync.ts';
import { ownerLabelOf } from '../../api/gitsync-names.ts';
import type { KubeObject } from '../../api/meta.ts';

/** A Job that ended stays at least so long: a leader that comes later has to see how. */
const MIN_TTL_SECONDS = 600;

/**
 * The object of a hook as it is made. It carries a label of its own, and not that of what is applied: it is in no
 * inventory, and nobody corrects it. A Job has a deadline.
 */
export const preparedHook = (sync: GitSync, { metadata, ...object }: KubeObject, mark: string): KubeObject => ({
  ...object,
  apiVersion: object.apiVersion as string,
  kind: object.kind as string,
  metadata: {
    ...metadata,
    labels: { ...metadata.labels, [labels.hookOf]: ownerLabelOf(sync) },
    annotations: { ...metadata.annotations, [annotations.hookRun]: mark },
  },
  ...(object.kind === 'Job' ? { spec: bounded((object.spec ?? {}) as JobSpec, sync) } : {}),
});

interface JobSpec {
  activeDeadlineSeconds?: number;
  ttlSecondsAfterFinished?: number;
}

const bounded = (spec: JobSpec, sync: GitSync): JobSpec => {
  const { activeDeadlineSeconds, ttlSecondsAfterFinished: ttl } = spec;
  return {
    ...spec,
    activeDeadlineSeconds: activeDeadlineSeconds ?? Math.ceil(parseDuration(sync.spec.timeout) / 1000),
    ...(typeof ttl === 'number' ? { ttlSecondsAfterFinished: Math.max(ttl, MIN_TTL_SECONDS) } : {}),
  };
};
