/**
 * The catalogue of condition reasons and error codes that people see. Each says what happened and what to do next.
 * A test pins the codes: they are part of the interface. Texts may improve.
 */
export interface CatalogueEntry {
  /** What it means, in one sentence. */
  means: string;
  /** What a person does about it. */
  next: string;
}

export const reasons = {
  // A sync
  ReconciliationSucceeded: { means: 'The revision is applied.', next: 'Nothing to do.' },
  Progressing: { means: 'The sync is under way.', next: 'Wait; `kubectl get gitsync -w` shows when it ends.' },
  Suspended: {
    means: 'spec.suspend is true: nothing is synced, rollbacks still happen.',
    next: '`metricops resume sync/NAME` when it should go on.',
  },
  DependencyNotReady: { means: 'A GitSync in dependsOn is not Ready.', next: 'Look at that GitSync first.' },
  DependencyCycle: {
    means: 'GitSyncs depend on each other in a circle.',
    next: 'Remove one of the named dependsOn entries.',
  },
  SecretNotFound: {
    means: 'The Secret of spec.secretRef does not exist or has none of the known keys.',
    next: 'Create it in the namespace of the GitSync with username and password, or token, or ca.crt alone.',
  },
  ReconciliationFailed: {
    means: 'The sync ended with an unexpected error and is tried again.',
    next: "Read the message; the controller's log has the cause.",
  },
  // A repository
  InvalidUrl: {
    means: 'spec.url is no URL.',
    next: 'Write e.g. https://github.com/org/repo.git; the form git@HOST:PATH and a port that is no number are none.',
  },
  RepositoryNotFound: {
    means: 'The Git server knows no such repository.',
    next: 'Check spec.url, and whether the repository needs credentials.',
  },
  AuthenticationFailed: {
    means: 'The Git server refused the credentials.',
    next: 'Check the Secret of spec.secretRef.',
  },
  RepositoryUnreachable: {
    means: "The Git server can't be reached; what was applied last is kept against drift.",
    next: "Check the host, the network policy and the server's certificate.",
  },
  RefNotFound: { means: 'The repository has no such branch, tag or commit.', next: 'Check spec.ref.' },
  PathNotFound: { means: 'The commit has no such folder.', next: 'Check spec.path.' },
  PathOutsideRepository: {
    means: 'A symlink or path leads out of the repository.',
    next: 'Remove it from the repository.',
  },
  RepositoryTooLarge: {
    means: 'The repository, or a file in it, is over the limit.',
    next: 'Move large files out, or raise the limit of the controller.',
  },
  RepositoryDamaged: {
    means: "A pack that the server sent, or the controller's copy of it, is cut off or changed.",
    next: 'Nothing to do where it ends by itself: it is fetched afresh. Otherwise run `git fsck` on the server.',
  },
  StorageFull: {
    means: 'There is no room left on the disk of the mirrors; it is tried again.',
    next: "Raise the sizeLimit of the volume `data` of the controller, or free the node's disk.",
  },
  SubmoduleRefused: {
    means: 'The folder holds or names a submodule, which is not fetched; nothing was applied or pruned.',
    next: 'Commit its files, or sync its repository with a GitSync of its own.',
  },
  LFSPointerRefused: {
    means: 'A file is kept in Git LFS, which is not fetched; nothing was applied or pruned.',
    next: 'Commit the file itself: git lfs untrack, then git add --renormalize.',
  },
  // A render
  InvalidYAML: { means: 'A file is not YAML.', next: 'Fix the file at the named line.' },
  ManifestTooLarge: {
    means: 'What a render reads, needs or expands to is over a limit, which the message names.',
    next: 'Split the folder into several GitSyncs, or remove nested aliases.',
  },
  InvalidManifest: {
    means: 'A document is not a Kubernetes object, or has a number, true or nothing where text belongs.',
    next: 'Give it apiVersion, kind and metadata.name; write the named value in quotes.',
  },
  DuplicateObject: { means: 'The same object is defined twice.', next: 'Remove one of the two.' },
  RemoteBaseRefused: { means: 'A kustomization fetches from elsewhere.', next: 'Copy the base into the repository.' },
  KustomizeFailed: {
    means: 'kustomize build failed.',
    next: 'Run `kustomize build` in that folder; the message is its last line.',
  },
  RendererMissing: {
    means: 'A binary that renders is not installed.',
    next: 'Use the released image, or set METRICOPS_KUSTOMIZE.',
  },
  // An apply
  ObjectRejected: {
    means: 'The API server refused objects; the others are applied.',
    next: 'Fix the named objects in the repository.',
  },
  OwnedByAnother: {
    means: 'An object belongs to another GitSync, or a GitSync to no or another GitSyncSet.',
    next: 'Remove it from one of the two repositories, or give it another name.',
  },
  NoKindMatch: {
    means: 'The API server serves no such kind.',
    next: 'Install its CustomResourceDefinition, or add it to the repository.',
  },
  NamespaceRefused: {
    means: 'An object lies outside of what this GitSync or GitSyncSet may write.',
    next: 'Move it, or use another GitSync.',
  },
  KindRefused: {
    means: 'The platform does not allow this kind of object here.',
    next: 'Remove it, or ask the operator of the platform: kubectl get platformpolicy default -o yaml.',
  },
  HostRefused: {
    means: 'The platform does not allow repositories on this host.',
    next: 'Use an allowed host, or ask the operator of the platform.',
  },
  ServiceAccountRequired: {
    means: 'The platform wants every GitSync to write as a ServiceAccount of its namespace.',
    next: 'Set spec.serviceAccountName, and give that account the rights that it needs.',
  },
  EmptyRender: {
    means: 'Nothing was rendered, and pruning everything was not allowed.',
    next: 'Set spec.allowEmpty if that is meant.',
  },
  PruneFailed: {
    means: 'Objects that left the repository could not be deleted; they stay tracked.',
    next: 'Read the message; finalizers and webhooks are the usual cause.',
  },
  PruneBlocked: {
    means: 'Objects left the repository, and others of the commit are not applied yet: nothing is deleted before.',
    next: 'Fix what the condition Ready names.',
  },
  PruneLimitExceeded: {
    means:
      'A commit would delete more than spec.maxPrune of the objects; the rest of it is applied, and nothing deleted.',
    next: 'If it is meant, annotate the GitSync as the message says; otherwise bring the objects back in the repository.',
  },
  ConfirmationRequired: {
    means: 'An object that holds data left the repository; it is deleted only when a person confirms it.',
    next: 'Annotate the object as the message says, or bring it back in the repository.',
  },
  HandoverPending: {
    means: 'An object left this GitSync, and another one with the same rights takes it over, or may.',
    next: 'Nothing to do; it waits for spec.timeout at most where it is not known who wants the object.',
  },
  PruneOff: {
    means: 'An object left the repository and spec.prune is off.',
    next: 'Delete it by hand, or set spec.prune.',
  },
  PruneDisabled: {
    means: 'An object left the repository and says metricops.dev/prune=disabled.',
    next: 'Delete it by hand, or take the annotation off.',
  },
  ObjectsKept: {
    means: 'A GitSync was deleted, and objects that it applied stay.',
    next: 'Delete by hand those that are not needed, or let another GitSync apply them.',
  },
  HealthCheckFailed: {
    means: 'An applied object did not become healthy in time.',
    next: "Look at the named object's own status.",
  },
  DriftFound: {
    means: 'Objects were changed by hand and spec.drift is Report.',
    next: '`metricops diff NAME` shows them.',
  },
  // A set of GitSyncs
  InvalidTemplate: {
    means: 'A GitSync can not be made from the template; the others are.',
    next: 'Fix the named field, placeholder or value.',
  },
  NameCollision: {
    means: 'Two entries of a GitSyncSet make a GitSync of the same name; neither is written.',
    next: 'Put what tells them apart into spec.template.name.',
  },
  TooManyGenerated: {
    means: 'More GitSyncs would be made than one GitSyncSet may make; nothing is changed.',
    next: 'Narrow the pattern, or use several sets.',
  },
  NothingGenerated: {
    means: 'No GitSync is generated any more, and deleting all of them was not done.',
    next: 'Fix the generator; to remove all, delete the GitSyncSet.',
  },
  MassDeletionRefused: {
    means: 'More GitSyncs would be deleted at once than allowed; none is deleted, and none created.',
    next: 'Check the change; if it is meant, annotate the GitSyncSet with metricops.dev/allow-mass-delete=true.',
  },
  DriftCorrected: {
    means: 'An object that somebody changed was corrected.',
    next: 'Make the change in the repository; what another controller sets belongs into spec.ignore.',
  },
  DriftConflict: {
    means: 'Another manager changes the same field again and again; it is corrected less and less often.',
    next: 'Stop that manager, or leave the field to it with spec.ignore.',
  },
  AdoptionRequired: {
    means: 'An object is applied by another tool (kubectl apply, Helm, Flux, Argo CD).',
    next: 'Stop that tool, then annotate the object in Git with metricops.dev/adopt=true, or set spec.adopt.',
  },
  InvalidHealthCheck: {
    means: 'An expression of spec.healthCheckExprs is not CEL.',
    next: 'Fix the named expression.',
  },
  // A hold
  ReleaseHeld: {
    means: 'A rejected release is kept out; its last good one runs instead.',
    next: 'Push a commit that changes the rejected part, or `metricops lift`.',
  },
  NothingHeld: { means: 'No release is held.', next: 'Nothing to do.' },
  RolledBack: { means: 'The target release is applied.', next: 'Nothing to do.' },
  Dormant: {
    means: 'A release that is not rejected is current: the hold sleeps.',
    next: 'Nothing to do; deleting the Hold forgets the rejection.',
  },
  SnapshotMissing: {
    means: "The target's snapshot is gone.",
    next: 'Roll back to another release: `metricops history WORKLOAD`.',
  },
  SnapshotDamaged: {
    means: "The target's snapshot is not as this installation recorded it: changed, or written by somebody else.",
    next: 'Roll back to another release: `metricops history WORKLOAD`.',
  },
  SnapshotMismatch: {
    means: 'The snapshot holds another release than the Hold names.',
    next: 'Delete the Hold and roll back again: `metricops rollback NAME --to N` names both.',
  },
  NoRollbackTarget: {
    means: 'What was applied for a release could not be stored: nothing can be rolled back to it.',
    next: 'Read the message: a quota, or configuration that is too large. It is stored with the next apply that allows it.',
  },
  OwnedByOtherTool: {
    means: 'Another tool (Flux, Argo CD, Helm) would undo the rollback at once.',
    next: "Revert in that tool's source.",
  },
  WorkloadMissing: { means: 'The workload does not exist.', next: 'Check spec.workload of the Hold.' },
  HoldFailed: { means: 'The target could not be applied; it is tried again.', next: 'Read the message.' },
  // A report of a sidecar
  TokenMalformed: {
    means: 'The bearer token is not a service account token.',
    next: 'The sidecar sends its projected token; nothing else is taken.',
  },
  TokenExpired: { means: 'The token has expired.', next: "The kubelet renews it; check the node's clock." },
  TokenWrongAudience: {
    means: 'The token was made for another audience.',
    next: 'Use the projected volume of the injected sidecar.',
  },
  TokenWrongIssuer: {
    means: 'The token comes from another cluster.',
    next: 'Report to the controller of the same cluster.',
  },
  TokenBadSignature: {
    means: "The token's signature is not one of this cluster's keys.",
    next: 'Use a token of this cluster.',
  },
  TokenNotBoundToPod: {
    means: 'The token is not bound to a pod.',
    next: 'Use the projected volume of the injected sidecar.',
  },
  PodNotFound: { means: 'The pod of the token is not known (yet).', next: 'The sidecar tries again by itself.' },
  PodNotOwned: {
    means: 'The pod belongs to no Deployment, StatefulSet or DaemonSet.',
    next: 'Releases of such pods are not recorded.',
  },
  // A request
  InvalidRequest: { means: 'The request is not understood.', next: 'Read the message.' },
  NotJSON: { means: 'The body is not JSON.', next: 'Send application/json.' },
  BodyTooLarge: { means: 'The body is over the limit.', next: "Set max_alerts in Alertmanager's webhook_config." },
  BodyTooSlow: { means: 'The body did not arrive in time.', next: 'Send it again, at once as a whole.' },
  Unauthorized: {
    means: 'The bearer token is missing or wrong.',
    next: 'Use the token of Secret metricops-alertmanager for alerts, of metricops-push for push hooks.',
  },
  NotAlertmanager: {
    means: 'The body is not an Alertmanager webhook of version 4.',
    next: 'Point only Alertmanager at this path.',
  },
  StorageUnavailable: {
    means: 'What was sent could not be stored; send it again.',
    next: 'Nothing to do: Alertmanager repeats it.',
  },
  TooManyRequests: { means: 'Requests come faster than they are taken.', next: 'Send it again later.' },
  NotFound: { means: 'There is no such path or object.', next: 'See docs/reference.md.' },
  InternalError: {
    means: 'Something went wrong that nobody foresaw: a bug in metricops, met on this object or request only.',
    next: "Report it with the controller's log line that has the id of the message.",
  },
  NotAdmissionReview: {
    means: 'The body is not an AdmissionReview of version v1.',
    next: 'Only the API server calls this path.',
  },
  // A verdict
  ErrorRateIncreased: {
    means: 'The new release fails clearly more requests than the one before.',
    next: 'Nothing to do where mode is Auto; otherwise `metricops rollback`.',
  },
  NoDifference: {
    means: 'The release fails no more requests than the one before: look elsewhere.',
    next: 'Look at dependencies and traffic.',
  },
  NotBurning: { means: 'Asked again, the budget is not burning.', next: 'Nothing to do.' },
  BurnBeganBefore: {
    means: 'The errors began before the release was ready.',
    next: 'Look at what changed at that time.',
  },
  ReleaseTooOld: {
    means: 'The release ran well for longer than spec.maxReleaseAge of the RollbackPolicy.',
    next: 'Look at dependencies and traffic.',
  },
  InsufficientTraffic: {
    means: 'Too little traffic to judge.',
    next: 'Judge by hand, or lower spec.minRequests of the RollbackPolicy.',
  },
  NoData: { means: 'Prometheus has no samples for the question.', next: "Check the indicator's expressions." },
  PrometheusUnreachable: {
    means: 'Prometheus did not answer.',
    next: 'Check METRICOPS_PROMETHEUS_URL of the controller.',
  },
  PartialData: {
    means: 'Prometheus answered with warnings: a part of the data is missing, so that the answer is no evidence.',
    next: 'Look at the named stores (Thanos, Mimir) or at the expression; judge by hand meanwhile.',
  },
  ExpressionRefused: {
    means: "An expression is not understood, or can't be asked of the pods of one release only.",
    next: "Fix the named expression of the RollbackPolicy, or set its podLabel to ''.",
  },
  NoExpression: {
    means: 'Neither an indicator nor a firing rule says what burning means.',
    next: 'Give the RollbackPolicy an objective with an indicator.',
  },
  ObjectiveRefNotRead: {
    means: 'An objective refers to an object of another tool, which metricops does not read yet.',
    next: 'Give the objective a target and an indicator instead of objectiveRef.',
  },
  // A decision
  NoHistory: {
    means: 'No release of the workload was recorded.',
    next: 'Opt it in: kubectl annotate deployment NAME metricops.dev/inject=true.',
  },
  NoGoodRelease: {
    means: 'There is no recorded good release to go back to.',
    next: 'Fix forward; the next good release becomes the target.',
  },
  RollbackOfRollback: {
    means: 'The current release is itself the result of a rollback.',
    next: 'A person decides: `metricops rollback WORKLOAD --to N`.',
  },
  CoolDown: {
    means: 'The last rollback of this workload was too short a time ago.',
    next: 'Wait for spec.cooldown of the RollbackPolicy, or decide by hand.',
  },
  TooManyRollbacks: { means: 'spec.maxPerHour of the RollbackPolicy is reached.', next: 'A person decides.' },
  ModeOff: {
    means: 'spec.mode of the RollbackPolicy is Off: evidence is kept, nothing is done.',
    next: 'Set DryRun or Auto.',
  },
  ModeDryRun: {
    means: 'spec.mode of the RollbackPolicy is DryRun: this is what Auto would have done.',
    next: 'Set Auto when the verdicts convince you.',
  },
  TooManyIncidents: {
    means: 'Too many incidents of the namespace are open; the alert is not stored, and Alertmanager repeats it.',
    next: 'Close what is open: `metricops incidents`; usually one cause is behind all of them.',
  },
  AwaitingApproval: {
    means: 'spec.mode of the RollbackPolicy is Approve: a person says yes.',
    next: 'kubectl patch incident NAME --type merge -p \'{"spec":{"approved":true}}\'',
  },
  Paused: { means: 'metricops.dev/pause is set on the workload.', next: 'Remove the annotation when it should go on.' },
  AlreadyHeld: { means: 'The release is rejected already.', next: 'Nothing to do.' },
  ReleaseAccepted: { means: 'A person accepted this release in spite of the evidence.', next: 'Nothing to do.' },
  Superseded: { means: 'A newer release came before the verdict.', next: 'Nothing to do.' },
  Recovered: { means: 'The rollback ended the burn.', next: 'Push a fix; it lifts the hold.' },
  NotRecovered: {
    means: 'The burn goes on after the rollback: the release was not the cause, or not the only one.',
    next: 'A person is needed.',
  },
  RolloutFailed: { means: 'The pods of the restored release did not become ready in time.', next: 'Look at the pods.' },
  // A policy
  InForce: { means: 'A burn of the workload is judged and acted on.', next: 'Nothing to do.' },
  Overridden: {
    means: 'Another RollbackPolicy counts for the workload.',
    next: 'Delete one of the two, or name the workload by targetRef: that comes before selector, then the oldest counts.',
  },
  NotOverridden: { means: 'No other RollbackPolicy counts instead.', next: 'Nothing to do.' },
  TargetNotFound: {
    means: 'No workload of the namespace is guarded by the policy.',
    next: 'Check kind and name of spec.targetRef, or the labels of spec.selector.',
  },
  TargetKindNotSupported: {
    means: 'Releases of workloads of this kind are not recorded.',
    next: 'Name a Deployment, StatefulSet or DaemonSet of apps/v1.',
  },
  // An admission
  Injected: { means: 'The sidecar was added.', next: 'Nothing to do.' },
  NotOptedIn: {
    means: 'Neither pod, workload nor namespace asked for it.',
    next: 'kubectl annotate deployment NAME metricops.dev/inject=true.',
  },
  AlreadyInjected: { means: 'The pod has the sidecar.', next: 'Nothing to do.' },
  HostNetwork: {
    means: "Pods in the host's network are left alone.",
    next: 'Its releases are still recorded from the workload.',
  },
  SystemNamespace: { means: "kube-system and metricops' own namespace are left alone.", next: 'Nothing to do.' },
  StaticPod: { means: "Mirror pods of static pods can't be changed.", next: 'Nothing to do.' },
  NotLinux: { means: 'The sidecar runs on Linux nodes only.', next: 'Nothing to do.' },
  NoNativeSidecars: {
    means: 'A node that the pod can go to, or the API server, has no native sidecars.',
    next: 'Upgrade the named node to Kubernetes 1.29 or later, or keep the pod from it with a nodeSelector.',
  },
  ContainerNameTaken: {
    means: 'The pod has a container of its own that is called metricops-recorder.',
    next: 'Give that container another name.',
  },
  LimitRangeExceeded: {
    means: 'With the recorder the pod would break a LimitRange of its namespace, or its own resources.',
    next: 'Leave room for 5m CPU and 64Mi memory in the named bound.',
  },
  QuotaExceeded: {
    means: 'A ResourceQuota of the namespace has no room for the recorder.',
    next: 'Raise the named quota; the next pods are injected.',
  },
  BreakerOpen: {
    means: 'The recorder kept a pod of this namespace from starting or from being created: injection is stopped there.',
    next: 'Remove what is named (image, pull secret, architecture, policy); one pod is tried again by itself.',
  },
  CABundleContested: {
    means:
      "Another writer changes caBundle of the webhook's configuration; it is written again after longer and longer pauses.",
    next: 'Take the MutatingWebhookConfiguration out of what the named field manager keeps.',
  },
  InjectionError: {
    means: 'The injection failed; the pod starts without the sidecar.',
    next: "The controller's log has the cause.",
  },
} as const satisfies Record<string, CatalogueEntry>;

export type Reason = keyof typeof reasons;

export const isReason = (code: string | undefined): code is Reason =>
  code !== undefined && Object.hasOwn(reasons, code);
