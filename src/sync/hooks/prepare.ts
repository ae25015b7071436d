import { annotations, labels } from '../../api/annotations.ts';
import { parseDuration } from '../../api/common.ts';
import type { GitSync } from '../../api/gitsync.ts';
import { ownerLabelOf } from '../../api/gitsync-names.ts';
import type { KubeObject } from '../../api/meta.ts';

/**
 * The object of a hook as it is made. It carries a label of its own, and not that of what is applied: it is in no
 * inventory, and nobody corrects it. A Job has a deadline, and stays until metricops deletes it.
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

/** A Job that Kubernetes deletes by itself may be gone before anybody saw how it ended, of a GitSync that is suspended. */
const bounded = ({ ttlSecondsAfterFinished: _, ...spec }: JobSpec, sync: GitSync): JobSpec => ({
  ...spec,
  activeDeadlineSeconds: spec.activeDeadlineSeconds ?? Math.ceil(parseDuration(sync.spec.timeout) / 1000),
});
