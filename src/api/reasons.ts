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
  Progressing: { means: 'The sync is in progress.', next: 'Wait; `kubectl get gitsync -w` shows when it ends.' },
  Suspended: {
    means: 'spec.suspend is true: nothing is synced; rollbacks still happen.',
    next: '`metricops resume sync/NAME` ends the suspension.',
  },
  DependencyUnknown: {
    means: 'The annotation metricops.dev/depends-on names a workload that does not exist, or something else.',
    next: 'Correct the annotation: KIND/NAME of the own namespace, NAMESPACE/KIND/NAME of another one.',
  },
  DependencyNotReady: { means: 'A GitSync in dependsOn is not Ready.', next: 'Check that GitSync first.' },
  DependencyCycle: {
    means: 'GitSyncs depend on each other in a circle.',
    next: 'Remove one of the named dependsOn entries.',
  },
  SecretNotFound: {
    means: 'The Secret that a secretRef names does not exist or has none of the known keys.',
    next: 'Create it in the namespace of the object. For a GitSync with username and password, or bearerToken, or ca.crt alone, for SSH with identity and known_hosts; for a Notification with the keys that the description of its sink names.',
  },
  ReconciliationFailed: {
    means: 'The sync failed with an unexpected error and is retried.',
    next: "Read the message; the controller's log has the cause.",
  },
  // A repository
  InvalidUrl: {
    means: 'spec.source.git.url, or the address of a chart repository, is not a valid URL.',
    next: 'Write https://HOST/ORG/REPO.git, ssh://git@HOST/ORG/REPO.git or git@HOST:ORG/REPO.git; a port must be a number. A chart repository is https://charts.example.com, or oci://HOST/PATH.',
  },
  RepositoryNotFound: {
    means: 'The Git server has no such repository, or does not show it with these credentials.',
    next: 'Check spec.source.git.url, and whether the repository needs credentials.',
  },
  AuthenticationFailed: {
    means: 'The Git server, or the chart repository, refused the credentials.',
    next: 'Check the Secret of spec.source.git.secretRef, or of spec.render.helm.chart.secretRef; with spec.source.git.provider, what the ServiceAccount may do at the cloud.',
  },
  RepositoryUnreachable: {
    means:
      "The Git server, or the chart repository, can't be reached. Drift from the last applied revision is still corrected.",
    next: "Check the host, the network policy and the server's certificate.",
  },
  RefNotFound: { means: 'The repository has no such branch, tag or commit.', next: 'Check spec.source.git.ref.' },
  PathNotFound: { means: 'The commit has no such folder.', next: 'Check spec.path.' },
  PathOutsideRepository: {
    means: 'A symlink or path leads out of the repository.',
    next: 'Remove it from the repository.',
  },
  RepositoryTooLarge: {
    means: 'The repository, or a file in it, exceeds a limit, which the message names.',
    next: 'Move large files out of the repository; docs/limits.md lists all limits.',
  },
  RepositoryDamaged: {
    means: "A pack that the server sent, or the controller's copy of it, is truncated or corrupt.",
    next: 'The controller fetches it again. If the condition stays, run `git fsck` on the server.',
  },
  StorageFull: {
    means: 'The disk that holds the mirrors of repositories is full; the fetch is retried.',
    next: "Raise the sizeLimit of the volume `data` of the controller, or free the node's disk.",
  },
  SubmoduleRefused: {
    means: 'The path contains a Git submodule. Submodules are not fetched, so nothing was applied or pruned.',
    next: 'Commit the files themselves, or sync the other repository with a GitSync of its own.',
  },
  LFSPointerRefused: {
    means: 'A file is stored in Git LFS, which is not fetched, so nothing was applied or pruned.',
    next: 'Commit the file itself: git lfs untrack, then git add --renormalize.',
  },
  NotSigned: {
    means:
      'spec.source.git.verify demands a signature, and the commit or its tag has none. The last verified revision stays in service.',
    next: 'Push a commit made by `git commit -S`, or a tag made by `git tag -s`, with one of the keys of the named Secret.',
  },
  SignatureInvalid: {
    means:
      'The signature of the commit or tag is by a key that is not in the Secret of spec.source.git.verify, or does not match. The last verified revision stays in service.',
    next: 'Find out who made the named commit. Add the public key of its author to the Secret, or revert the commit with a signed one.',
  },
  // A render
  InvalidYAML: { means: 'A file is not valid YAML.', next: 'Fix the file at the named line.' },
  ManifestTooLarge: {
    means: 'The input or output of a render exceeds a limit, which the message names.',
    next: 'Split the folder into several GitSyncs, or remove nested aliases.',
  },
  InvalidManifest: {
    means: 'A document is not a Kubernetes object, or has a number, boolean or null where a string is required.',
    next: 'Set apiVersion, kind and metadata.name; put quotes around the named value.',
  },
  DuplicateObject: { means: 'The same object is defined twice.', next: 'Remove one of the two.' },
  RemoteBaseRefused: {
    means: 'A kustomization refers to a remote base or file.',
    next: 'Copy it into the repository.',
  },
  SubstitutionFailed: {
    means: 'spec.postBuild names a variable that is not set, or an expression that can not be substituted.',
    next: 'Set the named variable, give it a default (`${NAME:=default}`), or write `$${NAME}` for plain text.',
  },
  VariablesNotFound: {
    means: 'A ConfigMap or Secret of spec.postBuild.substituteFrom does not exist or can not be read.',
    next: 'Create it in the namespace of the GitSync, or set optional: true.',
  },
  NotDecrypted: {
    means: 'A manifest or a values file is encrypted by SOPS, and spec.decryption is not set.',
    next: 'Set spec.decryption with the Secret that has the private key; see docs/secrets.md.',
  },
  DecryptionKeysNotFound: {
    means: 'The Secret of spec.decryption does not exist, can not be read, or has a key that can not be used.',
    next: 'Create it in the namespace of the GitSync, with a key NAME.agekey, NAME.asc or sops.vault-token.',
  },
  DecryptionFailed: {
    means:
      'A file that SOPS encrypted can not be opened with the keys of spec.decryption, or its object must not hold a secret.',
    next: 'Encrypt it for the named key as well (`sops updatekeys FILE`), or add the private key to the Secret. A workload or ConfigMap must not be encrypted: put the value into a Secret.',
  },
  DecryptionTampered: {
    means: 'A file was changed after SOPS encrypted it: nothing of the commit is applied.',
    next: 'Find out who changed it (`git log FILE`), and change it with `sops edit FILE` only.',
  },
  KeyServiceFailed: {
    means: 'Vault, or the key service of a cloud, does not unwrap the key of a file: it does not answer, or refuses.',
    next: 'Read the message; it is tried again. Check the address, the role and the policy of who asks.',
  },
  CloudIdentityMissing: {
    means: 'A ServiceAccount has no token, or no annotation that says who it is at a cloud.',
    next: 'Create the named account with the annotations of docs/workload-identity.md, and a Role that lets it create serviceaccounts/token of itself.',
  },
  CloudLoginFailed: {
    means: 'A cloud gives no credentials for the token of a ServiceAccount: it does not answer, or refuses.',
    next: "Read the message; it is tried again. Check the annotations of the account, and that the role or identity there trusts the cluster's issuer and this account.",
  },
  KustomizeFailed: {
    means: 'kustomize build failed.',
    next: 'Run `kustomize build` in that folder; the message is its last line.',
  },
  HelmFailed: {
    means: 'helm template failed.',
    next: 'Run `helm template` on the chart with these values; the message is what it says.',
  },
  ChartRefused: {
    means: 'A Helm chart has what is not rendered: a schema that is elsewhere, or an archive that is none.',
    next: 'Change the chart as the message says; spec.render.helm.skipSchemaValidation leaves schemas alone.',
  },
  ChartNotFound: {
    means: 'The chart repository has no such chart, or no version of it in the range.',
    next: 'Check spec.render.helm.chart, and whether the repository needs credentials.',
  },
  ValuesNotFound: {
    means: 'A ConfigMap, Secret or file with values of a Helm chart does not exist or can not be read.',
    next: 'Create it; an entry of valuesFrom may have optional: true. A Secret and a ConfigMap are in the namespace of the GitSync.',
  },
  SecretExposed: {
    means: 'The value of a Secret would be in an object that is recorded with its releases, or in a name.',
    next: 'Write it into a Secret that the workload reads; values that are not secret belong into a ConfigMap.',
  },
  HooksNotRun: {
    means: 'The Helm chart has hooks, which are not run.',
    next: 'Set spec.render.helm.hooks: Run, or do without them; many charts have a value that switches them off.',
  },
  HookRefused: {
    means:
      'A hook has a phase or a kind that is not run, there are too many, or its name is taken: nothing of the commit is applied.',
    next: 'Change the hook as the message says. Ordinary objects are applied in the order of their waves.',
  },
  HookFailed: {
    means: 'A hook failed. Before the sync: nothing of the revision is applied. After it: the revision stays applied.',
    next: 'Read the logs of the named Job. Commit a fix, or run the hooks once more with `metricops sync NAME`.',
  },
  PatchFailed: {
    means: 'A patch of spec.patches, or an image of spec.images, can not be applied to the rendered objects.',
    next: 'Change the patch that the message names: a path, the shape of a field, or the object that it is for.',
  },
  PatchUnmatched: {
    means: 'A patch of spec.patches matches no rendered object, or no container has an image of spec.images.',
    next: 'Compare its target with the names that the folder renders, before spec.targetNamespace; or remove it.',
  },
  RandomValues: {
    means: 'The Helm chart makes values at random, or of the time: each render replaces them.',
    next: 'Set the named fields in values; a Secret that exists already can be named by most charts.',
  },
  RendererMissing: {
    means: 'The program that renders or decrypts is not installed.',
    next: 'Use the image that the Containerfile builds, or set METRICOPS_KUSTOMIZE, METRICOPS_HELM or METRICOPS_SOPS.',
  },
  // An apply
  ObjectRejected: {
    means: 'The API server rejected objects; the others are applied.',
    next: 'Fix the named objects in the repository.',
  },
  OwnedByAnother: {
    means: 'An object belongs to another GitSync; or a GitSync belongs to another GitSyncSet, or to none.',
    next: 'Remove it from one of the two repositories, or give it another name.',
  },
  NoKindMatch: {
    means: 'The API server serves no such kind.',
    next: 'Install its CustomResourceDefinition, or add it to the repository.',
  },
  NamespaceRefused: {
    means: 'An object is outside of the namespaces that this GitSync or GitSyncSet may write to.',
    next: 'Move it to an allowed namespace, or apply it with another GitSync.',
  },
  KindRefused: {
    means: 'The PlatformPolicy does not allow this kind here.',
    next: 'Remove the object, or ask the platform team: kubectl get platformpolicy default -o yaml.',
  },
  HostRefused: {
    means:
      'A host is not asked: the PlatformPolicy does not allow it, it has an internal address that no PlatformPolicy names, or it is none of the cloud of source.git.provider.',
    next: 'Read the message. Use an allowed host, correct the url or the provider, or ask the platform team.',
  },
  ServiceAccountRequired: {
    means: 'The PlatformPolicy requires every GitSync to write as a ServiceAccount of its namespace.',
    next: 'Set spec.serviceAccountName, and give that account the rights that it needs.',
  },
  EmptyRender: {
    means: 'The render is empty, and spec.allowEmpty is not set: nothing is pruned.',
    next: 'Set spec.allowEmpty if everything should be deleted.',
  },
  PruneFailed: {
    means: 'Objects that left Git could not be deleted; they stay in the inventory.',
    next: 'Read the message; finalizers and webhooks are the usual cause.',
  },
  PruneBlocked: {
    means: 'Objects left Git. They are deleted after all other objects of the commit are applied.',
    next: 'Fix what the condition Ready names.',
  },
  PruneLimitExceeded: {
    means:
      'A commit would delete more than spec.maxPrune of the objects. The rest of it is applied; nothing is deleted.',
    next: 'To confirm the deletion, annotate the GitSync as the message says; otherwise bring the objects back in Git.',
  },
  ConfirmationRequired: {
    means: 'An object that holds data left Git. It is deleted only after a person confirms.',
    next: 'Annotate the object as the message says, or bring it back in Git.',
  },
  HandoverPending: {
    means: 'An object left this GitSync; another GitSync with the same rights takes it over, or may do so.',
    next: 'Nothing to do. If no GitSync claims the object, the deletion waits for spec.timeout at most.',
  },
  NeededByRelease: {
    means: 'An object left Git, and the pods of a release to which a rollback may go need it.',
    next: 'Nothing to do: it is deleted when a newer release that does not need it is good.',
  },
  SuccessorNotReady: {
    means: 'A workload left Git, and the one that takes its place under another name is not ready yet.',
    next: 'Wait, or fix the new workload. To delete the old one at once, annotate it as the message says.',
  },
  PruneOff: {
    means: 'An object left Git, and spec.prune is false.',
    next: 'Delete it by hand, or set spec.prune.',
  },
  PruneDisabled: {
    means: 'An object left Git, and its annotation metricops.dev/prune=disabled protects it.',
    next: 'Delete it by hand, or remove the annotation.',
  },
  ObjectsKept: {
    means: 'A GitSync was deleted; objects that it applied stay.',
    next: 'Delete by hand those that are not needed, or let another GitSync apply them.',
  },
  HealthCheckFailed: {
    means: 'An applied object did not become healthy in time.',
    next: 'Check the status of the named object.',
  },
  DriftFound: {
    means: 'Live objects differ from Git, and spec.drift is Report.',
    next: '`metricops diff NAME` shows the difference.',
  },
  // A set of GitSyncs
  InvalidTemplate: {
    means: 'The template does not yield a valid GitSync for an entry; the other entries are applied.',
    next: 'Fix the named field, placeholder or value.',
  },
  NameCollision: {
    means: 'Two entries of a GitSyncSet yield a GitSync of the same name; neither is written.',
    next: 'Use a placeholder in spec.template.metadata.name that differs between the two.',
  },
  TooManyGenerated: {
    means: 'The generators yield more GitSyncs than one GitSyncSet may have; nothing is changed.',
    next: 'Narrow the pattern, or use several sets.',
  },
  NothingGenerated: {
    means: 'The generators yield no GitSync any more; the existing ones are kept.',
    next: 'Fix the generator; to remove all, delete the GitSyncSet.',
  },
  MassDeletionRefused: {
    means: 'More GitSyncs than spec.maxDelete would be deleted at once; none is deleted, and none created.',
    next: 'Check the change. To confirm it, annotate the GitSyncSet with metricops.dev/allow-mass-delete=true.',
  },
  DriftCorrected: {
    means: 'An object had drifted and was reverted to Git.',
    next: 'Make the change in Git. Leave fields that another controller writes to it with spec.ignoreDifferences.',
  },
  DriftConflict: {
    means: 'Another field manager keeps overwriting the same field; corrections are backing off.',
    next: 'Stop that manager, or leave the field to it with spec.ignoreDifferences.',
  },
  AdoptionRequired: {
    means: 'Another tool applies the object (kubectl apply, Helm, Flux, Argo CD).',
    next: 'Stop that tool, then annotate the object in Git with metricops.dev/adopt=true, or set spec.adopt.',
  },
  InvalidHealthCheck: {
    means: 'An expression of spec.healthCheckExprs is not valid CEL.',
    next: 'Fix the named expression.',
  },
  // A hold
  ReleaseHeld: {
    means: 'A rejected release is held out; the last good release runs instead.',
    next: 'Push a commit that changes the rejected part, or `metricops lift`.',
  },
  NothingHeld: { means: 'No release is held.', next: 'Nothing to do.' },
  RolledBack: { means: 'The target release is applied.', next: 'Nothing to do.' },
  Dormant: {
    means: 'A release that is not rejected runs: the Hold is dormant, and its rule stays.',
    next: 'Nothing to do. `metricops lift` ends the rule.',
  },
  SnapshotMissing: {
    means: "The target's snapshot is gone.",
    next: 'Roll back to another release: `metricops history WORKLOAD`.',
  },
  SnapshotDamaged: {
    means:
      "The seal of the target's snapshot does not match: the snapshot was changed, or another installation wrote it.",
    next: 'Roll back to another release: `metricops history WORKLOAD`.',
  },
  SnapshotMismatch: {
    means: 'The snapshot holds another release than the Hold names.',
    next: 'Delete the Hold and roll back again: `metricops rollback NAME --to N` names both.',
  },
  TargetNeedsMissing: {
    means: 'The pods of the target need an object that does not exist, and that no snapshot brings back.',
    next: 'Create the named object and delete the Hold, or roll back to another release: `metricops history WORKLOAD`.',
  },
  NoRollbackTarget: {
    means: 'The snapshot of a release could not be stored, so nothing can be rolled back to it.',
    next: 'Read the message: a quota, or configuration that is too large. The next apply tries again.',
  },
  ImageNotPinned: {
    means: 'The node reports an image of the release without a repository digest, so a rollback can not pin it.',
    next: 'Push the image to a registry and let the nodes pull it, or name it by digest in the manifest.',
  },
  OwnedByOtherTool: {
    means: 'Another tool (Flux, Argo CD, Helm) applies the workload and would revert the rollback.',
    next: "Revert the change in that tool's source.",
  },
  WorkloadMissing: { means: 'The workload does not exist.', next: 'Check spec.workloadRef of the Hold.' },
  HoldKept: {
    means: 'A person deleted the Hold of a release that was rejected again after a lift: the Hold was created again.',
    next: '`metricops accept WORKLOAD` lets the release run.',
  },
  HoldFailed: {
    means: 'The target could not be applied; it is retried with back-off, every five minutes at the latest.',
    next: 'Read the message: it has the words of the API server. Or end the rollback: `metricops lift WORKLOAD`.',
  },
  RejectedReleaseApplied: {
    means: 'Somebody applied a rejected release again; it is rolled back again in some seconds.',
    next: 'Stop the named field manager from applying it, or `metricops lift WORKLOAD`.',
  },
  Contested: {
    means:
      'A rejected release was applied again after three rollbacks in ten minutes: it is rolled back once in ten minutes only.',
    next: 'Stop the named field manager from applying it, or `metricops lift WORKLOAD`.',
  },
  RollbackOverdue: {
    means: 'The target of a Hold should be applied for more than five minutes, and is not.',
    next: 'Read the message; `metricops holds` lists them. `metricops lift WORKLOAD` ends the rollback.',
  },
  // A report of a sidecar
  TokenMalformed: {
    means: 'The bearer token is not a ServiceAccount token.',
    next: 'Send the projected token of the injected recorder.',
  },
  TokenExpired: { means: 'The token has expired.', next: "The kubelet renews it; check the node's clock." },
  TokenWrongAudience: {
    means: 'The token has another audience.',
    next: 'Use the projected volume of the injected recorder.',
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
    next: 'Use the projected volume of the injected recorder.',
  },
  PodNotFound: {
    means: 'The pod of the token is not known, or not known yet.',
    next: 'Nothing to do: the recorder retries.',
  },
  PodNotOwned: {
    means: 'The pod belongs to no Deployment, StatefulSet or DaemonSet.',
    next: 'Releases of such pods are not recorded.',
  },
  // A request
  InvalidRequest: { means: 'The request is not valid.', next: 'Read the message.' },
  NotJSON: { means: 'The body is not JSON.', next: 'Send application/json.' },
  BodyTooLarge: { means: 'The body exceeds the limit.', next: "Set max_alerts in Alertmanager's webhook_config." },
  BodyTooSlow: { means: 'The body did not arrive in time.', next: 'Send the body without pauses.' },
  Unauthorized: {
    means: 'The bearer token is missing or wrong.',
    next: 'Use the token of Secret metricops-alertmanager for alerts, of metricops-push for push hooks.',
  },
  NotAlertmanager: {
    means: 'The body is not an Alertmanager webhook of version 4.',
    next: 'Point only Alertmanager at this path.',
  },
  StorageUnavailable: {
    means: 'The request could not be stored.',
    next: 'Nothing to do: Alertmanager repeats it.',
  },
  TooManyRequests: { means: 'Requests arrive faster than they are accepted.', next: 'Send it again later.' },
  NotFound: { means: 'There is no such path or object.', next: 'See docs/http-api.md.' },
  InternalError: {
    means: 'A bug in metricops. It affects this object or request only.',
    next: "Report it with the controller's log entry that has the id of the message.",
  },
  NotAdmissionReview: {
    means: 'The body is not an AdmissionReview of version v1.',
    next: 'Only the API server calls this path.',
  },
  // A verdict
  ErrorRateIncreased: {
    means:
      'The evidence against the release has the points that minScore asks for: it fails more, is slower, or began to burn with it. `metricops explain INCIDENT` lists the points.',
    next: 'Mode Auto: nothing to do. Approve: `metricops approve INCIDENT`. DryRun: `metricops rollback WORKLOAD` if it should go back.',
  },
  NoDifference: {
    means: 'The release fails no more requests than the previous one: a difference that matters is ruled out.',
    next: 'Look for another cause: dependencies, traffic, configuration elsewhere.',
  },
  NotBurning: { means: 'When queried again, Prometheus showed no burning error budget.', next: 'Nothing to do.' },
  BurnEnded: {
    means: 'The errors ended before anything was decided. As long as the alert fires they may come back.',
    next: 'Nothing to do: where they come back within 15 minutes, both are judged as one burn.',
  },
  BurnBeganBefore: {
    means: 'The errors began before the release.',
    next: 'Check what changed at that time.',
  },
  PodsCrash: {
    means: 'The pods of the release crash again and again, and those of the release before it do not.',
    next: 'Read `kubectl logs --previous` of the named container, and push a fix.',
  },
  ProgressDeadlineExceeded: {
    means: 'The pods of the release did not get ready within the progress deadline.',
    next: 'Read `kubectl describe pod` of one of them: a missing image, configuration, or a failing probe.',
  },
  PodsRunning: { means: 'The pods of the release run, and do not crash any more.', next: 'Nothing to do.' },
  OthersFailToo: {
    means: 'Pods of the release before it, or of other workloads of the namespace, fail at the same time.',
    next: 'Look for what they share: a dependency, a node, the network.',
  },
  Unschedulable: {
    means: 'No node takes the pods of the release.',
    next: 'Read `kubectl describe pod`: too large requests, a selector that no node has, or a full cluster.',
  },
  GoodBefore: {
    means: 'The release had been good before its pods began to fail.',
    next: 'Look for another cause; `metricops rollback WORKLOAD` goes back all the same.',
  },
  BurnBeganLate: {
    means:
      'The errors began more than 15 minutes after the release was ready (30 where an alerting rule alone is the evidence), and the releases could not be compared in the same minutes.',
    next: 'Check what changed at that time: dependencies, traffic, a leak. `metricops rollback` if it is the release.',
  },
  NoComparison: {
    means: 'Nothing is recorded of the time before the release, and no other release ran beside it.',
    next: 'Decide by hand: `metricops rollback WORKLOAD`, or `metricops deny INCIDENT`.',
  },
  NeighboursBurn: {
    means: 'Other workloads of the namespace burn, too: the infrastructure, or one of them, may be the cause.',
    next: 'Check nodes, network and shared dependencies. `metricops rollback` if it is the release.',
  },
  DependencyBurns: {
    means:
      'What the workload depends on, by its annotation metricops.dev/depends-on or by rollback.serviceGraph of the PlatformPolicy, burns, too.',
    next: 'See the incident of the named workload: `metricops incidents`. `metricops rollback` if it is the release all the same.',
  },
  PodsDiffer: {
    means: 'Some pods of the release burn, and others that run the same are well in the same minutes.',
    next: 'Check the named nodes, and what those pods share. `metricops rollback` if it is the release.',
  },
  NodesFail: {
    means:
      'Of other workloads, too, the pods on the nodes of the burning pods burn, or fail more than those elsewhere.',
    next: 'Check the named nodes: `kubectl describe node`. `metricops rollback` if it is the release.',
  },
  TrafficSurge: {
    means: 'Many more requests came when the errors began: the workload may be overrun.',
    next: 'Check where they come from, and whether it scales. `metricops rollback` if it is the release.',
  },
  ScoreTooLow: {
    means: 'The evidence against the release has fewer points than minScore of the RollbackPolicy.',
    next: 'Decide by hand: `metricops rollback WORKLOAD`, or `metricops deny INCIDENT`.',
  },
  ReleaseTooOld: {
    means: 'The release had run for longer than maxReleaseAge of the RollbackPolicy when the burn began.',
    next: 'Look for another cause: dependencies, traffic.',
  },
  InsufficientTraffic: {
    means: 'A release has fewer requests than minRequests of the RollbackPolicy, or too few to decide.',
    next: 'Wait for more requests, or decide by hand.',
  },
  NoData: { means: 'Prometheus returned no samples for a query.', next: "Check the indicator's expressions." },
  PrometheusUnreachable: {
    means: 'Prometheus did not answer.',
    next: 'Check METRICOPS_PROMETHEUS_URL of the controller.',
  },
  PrometheusBusy: {
    means:
      'The query waited too long for its turn, so it was not sent: Prometheus answers more slowly than it is asked.',
    next: 'See metricops_prometheus_wait_duration_seconds; replace expensive expressions with recording rules.',
  },
  PartialData: {
    means: 'Prometheus answered with warnings: part of the data is missing, so the answer is no evidence.',
    next: 'Check the named stores (Thanos, Mimir) or the expression; decide by hand meanwhile.',
  },
  ExpressionRefused: {
    means: "An expression is not valid PromQL, or can't be restricted to the pods of one release.",
    next: "Fix the named expression of the RollbackPolicy, or set its podLabel to ''.",
  },
  NoExpression: {
    means: 'There is neither an indicator nor the expression of a firing rule to measure the burn with.',
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
    means: 'The current release is itself the result of a rollback: a Hold names it as its target.',
    next: 'Decide by hand: `metricops rollback WORKLOAD --to N`.',
  },
  Cooldown: {
    means: 'The last rollback of this workload is more recent than the cooldown.',
    next: 'Wait for the cooldown, or decide by hand: `metricops rollback WORKLOAD`.',
  },
  TooManyRollbacks: {
    means: 'A limit of rollbacks an hour is reached: of the workload, its namespace or the cluster.',
    next: 'Many rollbacks at a time often have one cause: look for that first. `metricops approve INCIDENT` rolls back all the same; without an answer it is decided again when there is a place.',
  },
  ModeOff: {
    means: 'The mode is Off: evidence is recorded, nothing else happens.',
    next: 'Set the mode to DryRun or Auto.',
  },
  ModeDryRun: {
    means: 'The mode is DryRun: the message says what Auto would have done.',
    next: 'Set the mode to Auto when the verdicts convince you.',
  },
  TooManyIncidents: {
    means: 'Too many incidents of the namespace are open; the alert is not stored, and Alertmanager repeats it.',
    next: 'See `metricops incidents --open`: one cause is often behind all of them.',
  },
  WaitsForDependency: {
    means: 'What the workload depends on burns, too, and has an incident: that one is decided first.',
    next: 'See the named incident: `metricops explain INCIDENT`. This one is measured again when it is closed.',
  },
  WaitsForIncident: {
    means: 'Several workloads burn at once: one of them is rolled back, then the others are measured again.',
    next: 'See the named incident: `metricops explain INCIDENT`. This one is measured again when it is closed.',
  },
  CommitNotRestored: {
    means: 'One commit changed several workloads that burn, and the target of one of them was refused.',
    next: 'Read the message. Repair what refuses it, or decide each by hand: `metricops rollback WORKLOAD`.',
  },
  AwaitingApproval: {
    means: 'The release is guilty, and a person has to agree before it is rolled back.',
    next: '`metricops approve INCIDENT` creates the Hold that the incident proposes; `metricops deny INCIDENT` closes it.',
  },
  ApprovalTimedOut: {
    means: 'Nobody answered within approval.timeout of the RollbackPolicy, and approval.action is Close.',
    next: 'The release runs on: `metricops rollback WORKLOAD` if it should not.',
  },
  Countdown: {
    means: 'The release is guilty, and is rolled back when the countdown of the RollbackPolicy ends.',
    next: 'Nothing to do, or `metricops deny INCIDENT` to cancel it.',
  },
  ChangeFreeze: {
    means: 'The release is guilty, and a change freeze of the RollbackPolicy or the PlatformPolicy holds.',
    next: '`metricops approve INCIDENT` rolls back in spite of it; without an answer it is decided again when the freeze ends.',
  },
  InvalidFreeze: {
    means:
      'A change freeze of the RollbackPolicy or the PlatformPolicy has a schedule or a time zone that can not be read: nothing is rolled back without a person.',
    next: 'Fix the named freeze: its schedule as of a CronJob, its timeZone by IANA name, e.g. Europe/Berlin.',
  },
  Silenced: {
    means: 'The release is guilty, and a silence of Alertmanager matches each of its alerts that fires.',
    next: 'Nothing to do: it is decided again when the silence ends. `metricops approve INCIDENT` rolls back in spite of it.',
  },
  AlertmanagerUnreachable: {
    means:
      'Alertmanager did not say which alerts are silenced, so a person has to agree before anything is rolled back.',
    next: 'Check METRICOPS_ALERTMANAGER_URL of the controller. `metricops approve INCIDENT` rolls back without it.',
  },
  Irreversible: {
    means:
      'The rollback would go back behind a release that is irreversible: what it changed outside of the cluster stays.',
    next: 'Check whether the older release can work with that, e.g. with the new database schema. Then `metricops approve INCIDENT`, or fix forward.',
  },
  Paused: {
    means: 'The workload has the annotation metricops.dev/pause.',
    next: 'Remove the annotation, or `metricops resume WORKLOAD`.',
  },
  ReleaseAccepted: { means: 'A person accepted this release, so it is never rejected.', next: 'Nothing to do.' },
  Superseded: { means: 'A newer release came before the incident was over.', next: 'Nothing to do.' },
  Recovered: {
    means: 'The error budget stopped burning after the rollback.',
    next: 'Push a fix: a commit that changes the rejected part ends the hold.',
  },
  Denied: {
    means: 'A person denied the rollback: the incident ends without one.',
    next: 'Nothing to do; a later incident asks again.',
  },
  HoldLifted: {
    means: 'A person lifted the Hold: the release may run again, and evidence from before the lift counts no more.',
    next: '`metricops accept WORKLOAD` if no later evidence should reject the release either.',
  },
  Restored: {
    means: 'The incident was created again from a backup: nothing is done because of it.',
    next: 'Nothing to do; an alert that fires now opens a new incident.',
  },
  NotRecovered: {
    means:
      'Nothing shows within verifyTimeout that the burn ended: Prometheus has no answer or too few requests, or the alerting rule, whose windows go back behind the rollback, still fires.',
    next: 'Check the workload. The incident closes by itself when the burn ends or another release comes; `metricops lift WORKLOAD` closes it, too.',
  },
  Misjudged: {
    means: 'The verdict was wrong: measured by itself, the restored release burns the error budget as well.',
    next: 'Look for another cause: dependencies, nodes, traffic. `metricops lift WORKLOAD` lets the newer release run again, on probation.',
  },
  RolloutFailed: {
    means: 'The pods of the restored release did not become ready in time.',
    next: 'Check the pods of the workload.',
  },
  ImagePullFailed: {
    means: 'No pod of the restored release gets its image, 30 s after the rollback.',
    next: '`metricops rollback WORKLOAD --to N` goes further back, `metricops lift WORKLOAD` lets the newer release run again; the message has both. Or bring the image back.',
  },
  // A RollbackPolicy
  InForce: { means: 'A burn of the workload is judged and acted on.', next: 'Nothing to do.' },
  IndicatorMeasured: { means: 'Prometheus has the requests of every objective.', next: 'Nothing to do.' },
  ByAlertRule: {
    means: 'No objective has an indicator: the expression of the alerting rule that fires is the evidence.',
    next: 'Give the RollbackPolicy an objective with an indicator, which compares releases by their requests.',
  },
  WindowsCannotFire: {
    means: 'The target of an objective is so low that none of its burn windows can fire.',
    next: 'Set a higher target, or burnWindows with smaller factors: factor × (1 − target) has to be below 1.',
  },
  MostlyProbes: {
    means: 'Most requests of an indicator are health checks and scrapes, which hide the errors of all others.',
    next: 'Exclude their paths from both expressions, e.g. path!~"/healthz|/readyz|/metrics".',
  },
  AlertRuleLoaded: { means: 'An alert that reports a burn reaches the workload.', next: 'Nothing to do.' },
  NoAlertRule: {
    means: 'Prometheus has loaded no alerting rule whose alerts have labels that reach the workload.',
    next: '`metricops slo rules POLICY --apply` makes the rules of its objectives. Or give your own rule one of the named sets of labels.',
  },
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
  // A Notification
  Delivered: { means: 'No event waits to be sent.', next: 'Nothing to do.' },
  DeliveryFailed: {
    means: 'The sink did not take an event; it is sent again with back-off, for a day.',
    next: 'The message has its answer. Check the address, the token and its rights.',
  },
  NotDelivered: {
    means: 'An event was given up: the sink refused it for good, or did not take it for a day.',
    next: 'The message has its answer; the events after it are sent.',
  },
  // An admission
  Injected: { means: 'The recorder was added.', next: 'Nothing to do.' },
  NotOptedIn: {
    means: 'Neither the pod, its workload nor its namespace opted in.',
    next: 'kubectl annotate deployment NAME metricops.dev/inject=true.',
  },
  AlreadyInjected: { means: 'The pod has the recorder.', next: 'Nothing to do.' },
  HostNetwork: {
    means: "Pods in the host's network are not injected.",
    next: 'Nothing to do: the releases are still recorded from the workload.',
  },
  SystemNamespace: {
    means: "Pods of kube-system and of metricops' own namespace are not injected.",
    next: 'Nothing to do.',
  },
  StaticPod: {
    means: "Mirror pods of static pods can't be changed, so they are not injected.",
    next: 'Nothing to do.',
  },
  NotLinux: { means: 'The recorder runs on Linux nodes only.', next: 'Nothing to do.' },
  NoNativeSidecars: {
    means: 'The API server, or a node that the pod can be scheduled to, does not support native sidecars.',
    next: 'Upgrade the named node to Kubernetes 1.29 or later, or exclude it with a nodeSelector.',
  },
  ContainerNameTaken: {
    means: 'The pod has a container of its own with the name metricops-recorder.',
    next: 'Rename that container.',
  },
  LimitRangeExceeded: {
    means: 'With the recorder the pod would exceed a LimitRange of its namespace, or its own resources.',
    next: 'Leave room for 5m CPU and 64Mi memory in the named bound.',
  },
  QuotaExceeded: {
    means: 'A ResourceQuota of the namespace has no room for the recorder.',
    next: 'Raise the named quota; the next pods are injected.',
  },
  BreakerOpen: {
    means: 'The recorder kept a pod of this namespace from starting or from being created. Injection is stopped there.',
    next: 'Fix the named cause (image, pull secret, architecture, policy). One pod is then tried again automatically.',
  },
  CABundleContested: {
    means: "Another writer keeps overwriting caBundle of the webhook's configuration; corrections are backing off.",
    next: 'Exclude caBundle from what the named field manager applies.',
  },
  InjectionError: {
    means: 'The injection failed; the pod starts without the recorder.',
    next: "The controller's log has the cause.",
  },
} as const satisfies Record<string, CatalogueEntry>;

export type Reason = keyof typeof reasons;

export const isReason = (code: string | undefined): code is Reason =>
  code !== undefined && Object.hasOwn(reasons, code);
