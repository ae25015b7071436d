import { annotations } from '../api/annotations.ts';
import type { KubeObject } from '../api/meta.ts';
import type { WatchCacheOptions } from '../kube/index.ts';
import { recordOf } from './field-set.ts';
import { entriesOf, type ManagedFieldsEntry, setOf } from './managed-fields.ts';

/** Who last wrote what pods run, by the API server's own account (managedFields). */
export interface TemplateWriter {
  manager: string;
  /** RFC 3339, of a whole second. That of the workload's creation where the API server has none. */
  time: string;
  /** It wrote our digest of the release along with the template, and not with server-side apply: an undo does. */
  stamps?: true;
}

/** Where trimWorkload leaves what it read; not a field of Kubernetes. */
const SUMMARY = 'templateWriters';
const OWN = 'metricops/';
/** Of requests that name no manager: what admission changed in our applies, and the CLI. */
const OWN_AGENTS = 'metricops';

/**
 * Managers that own a part of the template which decides what runs, newest first. Annotations of the template do not
 * count: a restart and an opt-in write only those. The API server gives no time to an apply that changed nothing, as
 * after a restore from a backup: what it applies was there from the start, whoever created the object.
 */
export const templateWriters = (workload: KubeObject): TemplateWriter[] => {
  if (Array.isArray(workload[SUMMARY])) return workload[SUMMARY] as TemplateWriter[];
  const { creationTimestamp = '' } = workload.metadata;
  return entriesOf(workload)
    .filter((entry) => !entry.subresource && decides(entry))
    .map((entry) => {
      const { manager, time = creationTimestamp } = entry;
      return { manager, time, ...(stamps(entry) ? ({ stamps: true } as const) : {}) };
    })
    .sort((a, b) => (a.time < b.time ? 1 : a.time > b.time ? -1 : 0));
};

const decides = (entry: ManagedFieldsEntry): boolean => {
  const template = recordOf(recordOf(setOf(entry)['f:spec'])['f:template']);
  return 'f:spec' in template || 'f:labels' in recordOf(template['f:metadata']);
};

const stamps = (entry: ManagedFieldsEntry): boolean =>
  entry.operation !== 'Apply' &&
  `f:${annotations.sourceDigest}` in recordOf(recordOf(setOf(entry)['f:metadata'])['f:annotations']);

/** The last apply of the workload's GitSync, and whoever changed the template since, until the GitSync corrects it. */
export const writersOf = (workload: KubeObject): { applied?: TemplateWriter; byHand?: TemplateWriter } => {
  const writers = templateWriters(workload);
  const applied = writers.find((w) => w.manager.startsWith(OWN));
  if (!applied) return {};
  const [newest] = writers;
  const isByHand = newest !== undefined && !newest.manager.startsWith(OWN_AGENTS) && newest.time > applied.time;
  return { applied, ...(isByHand ? { byHand: newest } : {}) };
};

/** `metricops/NAMESPACE/NAME` → the GitSync. The label can't say: it is hashed where it would be too long. */
export const gitSyncOf = (workload: KubeObject): { namespace: string; name: string } | undefined => {
  const [, namespace, name] = writersOf(workload).applied?.manager.split('/') ?? [];
  return namespace && name ? { namespace, name } : undefined;
};

/** For the watch caches of workloads: managedFields become the few words above, and are dropped. */
export const workloadCacheOptions: WatchCacheOptions = {
  keepManagedFields: true,
  trim(workload) {
    workload[SUMMARY] = templateWriters(workload);
    delete workload.metadata.managedFields;
    return workload;
  },
};
