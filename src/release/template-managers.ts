import type { KubeObject } from '../api/meta.ts';
import type { WatchCacheOptions } from '../kube/index.ts';

/** Who last wrote what pods run, by the API server's own account (managedFields). */
export interface TemplateWriter {
  manager: string;
  /** RFC 3339, of a whole second. That of the workload's creation where the API server has none. */
  time: string;
}

interface ManagedFields {
  manager?: string;
  time?: string;
  subresource?: string;
  fieldsV1?: { 'f:spec'?: { 'f:template'?: Record<string, unknown> } };
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
  const { managedFields = [], creationTimestamp = '' } = workload.metadata;
  return (managedFields as ManagedFields[])
    .filter((entry) => entry.subresource === undefined && decides(entry.fieldsV1?.['f:spec']?.['f:template']))
    .map(({ manager = '', time = creationTimestamp }) => ({ manager, time }))
    .sort((a, b) => (a.time < b.time ? 1 : a.time > b.time ? -1 : 0));
};

const decides = (template: Record<string, unknown> | undefined): boolean =>
  template !== undefined &&
  ('f:spec' in template || 'f:labels' in ((template['f:metadata'] ?? {}) as Record<string, unknown>));

/** The one who changed the template of a synced workload behind the back of its GitSync, until that corrects it. */
export const changedByHand = (workload: KubeObject): TemplateWriter | undefined => {
  const writers = templateWriters(workload);
  const ours = writers.find((w) => w.manager.startsWith(OWN));
  const [newest] = writers;
  return ours && newest && !newest.manager.startsWith(OWN_AGENTS) && newest.time > ours.time ? newest : undefined;
};

/** `metricops/NAMESPACE/NAME` → the GitSync. The label can't say: it is hashed where it would be too long. */
export const gitSyncOf = (workload: KubeObject): { namespace: string; name: string } | undefined => {
  const manager = templateWriters(workload).find((w) => w.manager.startsWith(OWN))?.manager;
  const [, namespace, name] = manager?.split('/') ?? [];
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
