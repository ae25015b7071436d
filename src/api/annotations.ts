export const GROUP = 'metricops.dev';
export const VERSION = 'v1alpha1';
export const API_VERSION = `${GROUP}/${VERSION}`;

/** Annotations that people write. `metadata.annotations` of a workload, or of its pod template where that is said. */
export const annotations = {
  /** "true" | "false" on a workload or its pod template: record releases and inject the sidecar. */
  inject: 'metricops.dev/inject',
  /** auto | approve | dry-run | off: what a burn alert may do to this workload. */
  rollback: 'metricops.dev/rollback',
  /** "severity=page,service=checkout": the labels of the alerts that guard this workload. */
  alerts: 'metricops.dev/alerts',
  /** "true": sync, drift correction and rollback leave this object alone. */
  pause: 'metricops.dev/pause',
  /** Per-object apply policy: apply (default) | create-only | ignore | force-replace. */
  apply: 'metricops.dev/apply',
  /** "disabled": never prune this object. */
  prune: 'metricops.dev/prune',
  /** RFC 3339 time or any new value on a GitSync: fetch and sync now. */
  requestedAt: 'metricops.dev/requested-at',

  /** On a ReleaseHistory, by `metricops accept`: sourceDigests, comma-separated, that no incident rejects again. */
  acceptedDigests: 'metricops.dev/accepted-digests',

  // Written by metricops on the metadata of objects that it applies (never on a pod template).
  /** sourceDigest of the workload as rendered. The Deployment controller copies it to the new ReplicaSet. */
  sourceDigest: 'metricops.dev/source-digest',
  /** Commit in which this sourceDigest appeared first. */
  commit: 'metricops.dev/commit',
  /** Name of the ControllerRevision with what was applied for this sourceDigest. Copied to the new ReplicaSet, too. */
  snapshot: 'metricops.dev/snapshot',
  /** On the pod template: the time of a restart made to pick up restored configuration; digests ignore it. */
  restartedAt: 'metricops.dev/restarted-at',
  /** On an injected pod: "injected" or why not ("skipped: ..."). */
  injection: 'metricops.dev/injection',
} as const;

/** Labels that metricops puts on objects. */
export const labels = {
  /** Namespace label: `metricops.dev/inject=enabled`. */
  inject: 'metricops.dev/inject',
  /** On every applied object: the GitSync that owns it, `NAMESPACE.NAME` hashed when over 63 characters. */
  sync: 'metricops.dev/sync',
  /** On ControllerRevisions that are release snapshots: name of the ReleaseHistory. */
  history: 'metricops.dev/history',
} as const;

/** Field manager of a GitSync's server-side applies. */
export const fieldManagerOf = (sync: { namespace: string; name: string }): string =>
  `metricops/${sync.namespace}/${sync.name}`;

/** Port and audience of the sidecar's record endpoint. */
export const RECORD_AUDIENCE = 'metricops.dev/record';
export const SYSTEM_NAMESPACE = 'metricops-system';
