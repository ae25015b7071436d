import { createHash } from 'node:crypto';

export const GROUP = 'metricops.dev';
export const VERSION = 'v1alpha1';
export const API_VERSION = `${GROUP}/${VERSION}`;

/**
 * Annotations that people write. `metadata.annotations` of a workload, or of its pod template where that is said. A switch
 * is true or enabled, false or disabled; every value counts in any case (annotation-values.ts).
 */
export const annotations = {
  /** "true" | "false" on a workload or its pod template: record releases and inject the sidecar. */
  inject: 'metricops.dev/inject',
  /** "false" on a pod template: the recorder does not merge the application's metrics, Prometheus goes on asking it. */
  mergeMetrics: 'metricops.dev/merge-metrics',
  /** Auto | Approve | DryRun | Off: what a burn may do to this workload. */
  rollback: 'metricops.dev/rollback',
  /** "severity=page,service=checkout": the labels of the alerts that guard this workload. */
  alerts: 'metricops.dev/alerts',
  /**
   * "deployment/db, auth/deployment/login" on a workload: what it calls. A burn of what it calls is not its own, and what
   * calls it may burn with it.
   */
  dependsOn: 'metricops.dev/depends-on',
  /**
   * "true" on a workload: no rollback goes back behind this release without a person, e.g. because it migrates a database.
   * "false": not even where a hook Job runs with it; on such a Job: it does no harm, as a check does none.
   */
  irreversible: 'metricops.dev/irreversible',
  /** "true": sync, drift correction and rollback leave this object alone. */
  pause: 'metricops.dev/pause',
  /** CreateOnly | Ignore | ForceReplace: how an object in Git is applied, other than each time. */
  apply: 'metricops.dev/apply',
  /** Whole number: objects of a lower wave are applied first and have to be healthy. Argo CD's sync-wave counts, too. */
  wave: 'metricops.dev/wave',
  /** "true" on an object in Git: take it over from kubectl apply, Helm, Flux or Argo CD. */
  adopt: 'metricops.dev/adopt',
  /** "true" on a ConfigMap or Secret in Git: applied under a name with the hash of its content. */
  versioned: 'metricops.dev/versioned',
  /** "disabled" on an object in Git: spec.postBuild leaves it as it is. Flux's own annotation and label count, too. */
  substitute: 'metricops.dev/substitute',
  /**
   * "disabled" on an object in Git that SOPS encrypted: spec.decryption leaves it as it is, for a controller in the cluster
   * that decrypts it. Flux's own annotation counts, too.
   */
  decrypt: 'metricops.dev/decrypt',
  /** "disabled": never prune this object. */
  prune: 'metricops.dev/prune',
  /**
   * On a live object that left Git and holds data (a Namespace, PersistentVolumeClaim, PersistentVolume, a
   * CustomResourceDefinition with objects): its uid, to let it be deleted. On a GitSync: what its condition PrunePending
   * names, to let more be deleted at once than spec.maxPrune says.
   */
  pruneConfirmed: 'metricops.dev/prune-confirmed',
  /** RFC 3339 time or any new value on a GitSync or GitSyncSet: fetch and sync now. */
  requestedAt: 'metricops.dev/requested-at',
  /** "true" on a GitSyncSet: it may delete more GitSyncs at once than spec.maxDelete says. */
  allowMassDelete: 'metricops.dev/allow-mass-delete',

  /**
   * On a Hold: the user who asked for it. A ValidatingAdmissionPolicy refuses a name that is not the requester's own, and
   * every later change.
   */
  requestedBy: 'metricops.dev/requested-by',

  // Written by metricops on the metadata of objects that it applies (never on a pod template).
  /** sourceDigest of the workload as rendered. The Deployment controller copies it to the new ReplicaSet. */
  sourceDigest: 'metricops.dev/source-digest',
  /** Commit in which this sourceDigest appeared first. */
  commit: 'metricops.dev/commit',
  /** With drift Report: hash of what Git said when the object was applied. */
  appliedHash: 'metricops.dev/applied-hash',
  /** Name of the ControllerRevision with what was applied for this sourceDigest. Copied to the new ReplicaSet, too. */
  snapshot: 'metricops.dev/snapshot',
  /** "true" on an object into which the value of a Secret was substituted, or that SOPS had encrypted: its differences and errors are masked. */
  holdsSecret: 'metricops.dev/holds-secret',
  /** On a workload: the hook Job of Helm or Argo CD that ran when its release was applied. */
  upgradeHook: 'metricops.dev/upgrade-hook',
  /** On an object that is run as a hook: the run that it belongs to, and the phase. */
  hookRun: 'metricops.dev/hook-run',
  /** On the pod template: the time of a restart made to pick up restored configuration; digests ignore it. */
  restartedAt: 'metricops.dev/restarted-at',
  /** On a generated GitSync: hash of what its GitSyncSet applied. */
  setHash: 'metricops.dev/set-hash',
  /** On an Event: the Git revision that it is about, `ref@commit`. */
  revision: 'metricops.dev/revision',
  /** On an Event: the number of the release that it is about. */
  release: 'metricops.dev/release',
  /** On an Event: the name of the Incident that it is about. On a workload: of the one for which it is held. */
  incident: 'metricops.dev/incident',
  /** On a workload: the Hold that keeps it at an earlier release, for as long as it does. */
  heldBy: 'metricops.dev/held-by',
  /** On an injected pod: "injected" or why not ("skipped: ..."). */
  injection: 'metricops.dev/injection',
} as const;

/** Labels that metricops puts on objects. */
export const labels = {
  /** Namespace label: `metricops.dev/inject=enabled`, or `true`. */
  inject: 'metricops.dev/inject',
  /** On every applied object: the GitSync that owns it, `NAMESPACE.NAME` hashed when over 63 characters. */
  sync: 'metricops.dev/sync',
  /** On an object that is run as a hook: its GitSync, written as in `sync`. Such an object is in no inventory. */
  hookOf: 'metricops.dev/hook-of',
  /** On a generated GitSync: name of its GitSyncSet, hashed when over 63 characters. */
  syncSet: 'metricops.dev/sync-set',
  /** On a generated GitSync: namespace of its GitSyncSet, where that is another one. */
  syncSetNamespace: 'metricops.dev/sync-set-namespace',
  /** On ControllerRevisions that are release snapshots: name of the ReleaseHistory. */
  history: 'metricops.dev/history',
} as const;

/** Label value that names a GitSync; hashed where `namespace.name` is too long for a label. */
export const ownerLabel = ({ namespace, name }: { namespace: string; name: string }): string => {
  const value = `${namespace}.${name}`;
  if (value.length <= 63) return value;
  const hash = createHash('sha256').update(JSON.stringify(value)).digest('hex');
  return `${value.slice(0, 52).replace(/[-.]+$/, '')}-${hash.slice(0, 10)}`;
};

/**
 * Label of the alerts that metricops itself sends to Alertmanager: the name of the Incident. An alert that comes back with
 * it is dropped.
 */
export const INCIDENT_ALERT_LABEL = 'metricops_incident';

/** The API server takes no longer name of a field manager. */
const MANAGER_MAX = 128;

/** Field manager of a GitSync's server-side applies: `metricops/NAMESPACE/NAME`, or `metricops/LABEL` where that is too long. */
export const fieldManagerOf = (sync: { namespace: string; name: string }): string => {
  const name = `metricops/${sync.namespace}/${sync.name}`;
  return name.length <= MANAGER_MAX ? name : `metricops/${ownerLabel(sync)}`;
};

/** The owner label of the GitSync whose field manager this is. */
export const labelOfManager = (manager: string): string => {
  const [, namespace = '', name] = manager.split('/');
  return name === undefined ? namespace : ownerLabel({ namespace, name });
};

/**
 * The port where the recorder serves its metrics when nothing in the pod has it. The recorder starts before the
 * application, so it is one that no well-known server listens on: an undeclared one would find it taken.
 */
export const RECORDER_PORT = 15790;
/** Audience of the tokens that the record endpoint takes. */
export const RECORD_AUDIENCE = 'metricops.dev/record';
export const SYSTEM_NAMESPACE = 'metricops-system';
