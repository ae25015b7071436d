import {
  ARGO_OPERATOR,
  ARGO_USER,
  FLUX_28,
  FLUX_29,
  HELM_RELEASE,
  KUSTOMIZATION,
  notYet,
  type Row,
  SYNC,
  shown,
} from './claims.ts';

const ORDER = 'test/integration/sync-order.test.ts';
const HOOKS = 'test/integration/sync-hooks.test.ts';
const POLICY = 'test/integration/sync-policy.test.ts';
const HPA = 'test/integration/sync-hpa.test.ts';
const ADOPT = 'test/integration/sync-adopt.test.ts';
const VERSIONED = 'test/integration/sync-versioned.test.ts';
const HANDOVER = 'test/integration/sync-handover.test.ts';
const PRUNE = 'test/integration/sync-prune.test.ts';
const DRIFT = 'test/integration/sync-drift.test.ts';

export const order: Row[] = [
  {
    name: 'Kinds that others need go first',
    flux: { mark: 'yes', page: KUSTOMIZATION },
    argo: { mark: 'yes', page: `${ARGO_USER}sync-waves/` },
    ours: shown(ORDER, 'makes each kind after those that it needs, whatever the order of the files'),
  },
  {
    name: 'A definition and its custom resources in one sync',
    flux: { mark: 'yes', page: KUSTOMIZATION },
    argo: { mark: 'yes', page: `${ARGO_USER}sync-options/` },
    ours: shown(ORDER, 'applies a CustomResourceDefinition before its resources, in one sync'),
  },
  {
    name: 'Waves by annotation',
    flux: { mark: 'no', note: 'custom apply stages by kind', page: FLUX_28 },
    argo: { mark: 'yes', page: `${ARGO_USER}sync-waves/` },
    ours: shown(ORDER, 'applies a later wave only when the earlier one is healthy, and says which wave waits for what'),
  },
  {
    name: 'Wait until the objects are healthy',
    flux: { mark: 'yes', note: 'kstatus', page: `${KUSTOMIZATION}#wait` },
    argo: { mark: 'yes', note: 'built-in and Lua checks', page: `${ARGO_OPERATOR}health/` },
    ours: shown(ORDER, 'waits until every object is healthy with wait: true'),
  },
  {
    name: 'Health of your own kinds by an expression',
    flux: { mark: 'yes', note: 'CEL', page: `${KUSTOMIZATION}#health-check-expressions` },
    argo: { mark: 'yes', note: 'Lua', page: `${ARGO_OPERATOR}health/` },
    ours: shown(ORDER, 'judges a custom kind by the CEL expressions of the GitSync'),
  },
  {
    name: 'Health of an Argo Rollout',
    argo: { mark: 'yes', page: `${ARGO_OPERATOR}health/` },
    ours: shown(ORDER, 'judges an Argo Rollout by its phase'),
  },
  {
    name: 'Health of the objects of cert-manager, External Secrets, Sealed Secrets, KEDA, Gateway API and the Prometheus operator before their operator has seen them',
    flux: {
      mark: 'partly',
      note: 'by CEL expressions; kstatus takes an object without conditions for healthy',
      page: `${KUSTOMIZATION}#health-check-expressions`,
    },
    argo: { mark: 'yes', note: 'built-in Lua checks', page: `${ARGO_OPERATOR}health/` },
    ours: shown(ORDER, 'lets what needs a Secret of External Secrets wait until its operator has made it'),
  },
  {
    name: 'Objects that cannot recover are reported at once',
    flux: { mark: 'yes' },
    ours: shown(ORDER, 'fails fast on a stalled Deployment, is Ready when it recovers, and names the commit all along'),
  },
  {
    name: 'A newer commit supersedes a stuck one',
    flux: { mark: 'partly', note: 'with the feature gate `CancelHealthCheckOnNewRevision`', page: FLUX_28 },
    argo: { mark: 'no', note: 'a sync under way has to end first' },
    ours: shown(ORDER, 'gives up on a stuck revision as soon as there is a newer one'),
  },
  {
    name: 'A sync waits for others',
    flux: { mark: 'yes', note: '`dependsOn`', page: `${KUSTOMIZATION}#dependencies` },
    argo: {
      mark: 'partly',
      note: 'steps of an ApplicationSet',
      page: `${ARGO_OPERATOR}applicationset/Progressive-Syncs/`,
    },
    ours: shown(ORDER, 'waits until the GitSync that it depends on is Ready, and then goes on by itself'),
  },
  {
    name: 'A circle of dependencies is named',
    flux: { mark: 'no', note: 'they wait for ever', page: `${KUSTOMIZATION}#dependencies` },
    ours: shown(SYNC, 'names a circle of dependencies'),
  },
  {
    name: 'Hooks before and after a sync',
    flux: { mark: 'partly', note: 'of Helm charts', page: HELM_RELEASE },
    argo: { mark: 'yes', page: `${ARGO_USER}sync-waves/` },
    ours: shown(
      HOOKS,
      'runs a PreSync hook before anything of a revision is applied, once for each revision that changes an object',
      "Jobs; Argo CD's annotations",
    ),
  },
  {
    name: 'A rollback runs no hooks',
    ours: shown(HOOKS, 'runs no hooks for a rollback, nor for a commit that only goes on to be held'),
  },
  {
    name: 'Sync windows',
    argo: { mark: 'yes', page: `${ARGO_USER}sync_windows/` },
    ours: notYet,
  },
];

export const applying: Row[] = [
  {
    name: 'Server-side apply',
    flux: { mark: 'yes', page: KUSTOMIZATION },
    argo: { mark: 'partly', note: 'an option; client-side by default', page: `${ARGO_USER}sync-options/` },
    ours: shown('test/integration/kube.test.ts', 'applies, conflicts, forces and deletes as the API server says'),
  },
  {
    name: 'One rejected object does not hold up the others',
    flux: { mark: 'no', note: 'its dry-run ends the stage' },
    argo: { mark: 'partly', note: 'unless the dry-run finds it' },
    ours: shown(SYNC, 'applies the good objects when the API server rejects one, and names that one'),
  },
  {
    name: 'An object of another sync is not taken',
    argo: { mark: 'partly', note: 'with `FailOnSharedResource=true`', page: `${ARGO_USER}sync-options/` },
    ours: shown(SYNC, 'does not take an object of another GitSync'),
  },
  {
    name: 'Nothing new: no dry-run of every object',
    flux: { mark: 'no', note: 'one GET and one dry-run each' },
    argo: { mark: 'yes', note: 'compares with its watch cache' },
    ours: shown(SYNC, 'costs no request to the API server when nothing is new'),
  },
  {
    name: 'Apply mode by annotation on an object',
    flux: { mark: 'yes', page: `${KUSTOMIZATION}#controlling-the-apply-behavior-of-resources` },
    argo: { mark: 'yes', page: `${ARGO_USER}sync-options/` },
    ours: shown(
      POLICY,
      'makes a create-only object, leaves it to others afterwards, and makes it again when it is deleted',
    ),
  },
  {
    name: 'Replaces objects with immutable fields, where an annotation allows it',
    flux: { mark: 'yes', page: `${KUSTOMIZATION}#force` },
    argo: { mark: 'yes', page: `${ARGO_USER}sync-options/` },
    ours: shown(POLICY, 'says that a field is immutable, and replaces the object with force-replace'),
  },
  {
    name: 'Fields left to others, by JSON pointer',
    flux: { mark: 'yes', page: FLUX_29 },
    argo: { mark: 'yes', page: `${ARGO_USER}diffing/` },
    ours: shown(POLICY, 'leaves a field named by a JSON pointer to others, and the rest of the object follows Git'),
  },
  {
    name: 'Fields left to others, by field manager',
    argo: { mark: 'yes', page: `${ARGO_USER}diffing/` },
    ours: shown(POLICY, 'leaves to another field manager what that one wrote, and corrects what anybody else writes'),
  },
  {
    name: 'Replicas left to an autoscaler, without configuration',
    flux: { mark: 'no', note: 'out of Git, or an ignore rule', page: FLUX_29 },
    argo: { mark: 'no', note: 'out of Git, or an ignore rule', page: `${ARGO_USER}best_practices/` },
    ours: shown(
      HPA,
      'releases the replicas when an autoscaler appears, and never sets them back to 1 or to what Git says',
    ),
  },
  {
    name: 'Takes over what another tool applied only with consent',
    flux: { mark: 'no', note: 'fields that kubectl applied are taken over' },
    argo: { mark: 'no', note: 'an object of that name is applied over' },
    ours: shown(ADOPT, 'is adopted from Helm only with consent, and loses what Git does not have'),
  },
  {
    name: 'Configuration under hashed names, kept as long as a release needs it',
    flux: { mark: 'partly', note: 'by generators of kustomize; gone with the next commit' },
    argo: { mark: 'partly', note: 'by generators of kustomize; gone with the next commit' },
    ours: shown(VERSIONED, 'stays while a recorded release needs it, though its ReplicaSet is gone'),
  },
];

export const pruning: Row[] = [
  {
    name: 'Objects that left Git are deleted',
    flux: { mark: 'yes', page: `${KUSTOMIZATION}#prune` },
    argo: { mark: 'yes', note: 'off by default', page: `${ARGO_USER}auto_sync/` },
    ours: shown(SYNC, 'applies a folder, follows its commits, and prunes what left'),
  },
  {
    name: 'An empty render deletes nothing until allowed',
    argo: { mark: 'yes', note: '`allowEmpty`', page: `${ARGO_USER}auto_sync/` },
    ours: shown(SYNC, 'refuses an empty render until it is allowed'),
  },
  {
    name: 'Objects go with their sync',
    flux: { mark: 'yes', note: '`deletionPolicy`', page: `${KUSTOMIZATION}#deletion-policy` },
    argo: { mark: 'yes', note: 'with a finalizer', page: `${ARGO_USER}app_deletion/` },
    ours: shown(SYNC, 'deletes what it owns when it is deleted'),
  },
  {
    name: 'Never delete this object',
    flux: { mark: 'yes', page: `${KUSTOMIZATION}#kustomizetoolkitfluxcdioprune` },
    argo: { mark: 'yes', note: '`Prune=false`', page: `${ARGO_USER}sync-options/` },
    ours: shown(PRUNE, 'keeps an object that is annotated with metricops.dev/prune: disabled, and says so'),
  },
  {
    name: 'A person confirms a deletion',
    flux: { mark: 'no' },
    argo: { mark: 'yes', note: '`Prune=confirm`', page: `${ARGO_USER}sync-options/` },
    ours: shown(PRUNE, 'for a person where a PersistentVolumeClaim left Git, and says how to confirm it'),
  },
  {
    name: 'In reverse order',
    flux: { mark: 'yes' },
    argo: { mark: 'yes', page: `${ARGO_USER}sync-waves/` },
    ours: shown(PRUNE, 'prunes in the reverse of the order in which it applies'),
  },
  {
    name: 'The inventory survives the loss of its status',
    flux: { mark: 'no', note: 'it is the status' },
    argo: { mark: 'yes', note: 'a tracking annotation on the objects', page: `${ARGO_USER}resource_tracking/` },
    ours: shown(PRUNE, 'rebuilds the inventory from the labels when the status is lost'),
  },
  {
    name: 'Nothing is deleted while an object of the commit is refused',
    ours: shown(
      PRUNE,
      'for the whole commit: what it replaces stays while the replacement is refused, and until it is ready',
    ),
  },
  {
    name: 'A commit that would delete more than a share of all objects waits for a person',
    ours: shown(PRUNE, 'for a person where a commit loses more than half, and applies the rest of it'),
  },
  {
    name: 'An object that moves to another sync keeps its uid',
    ours: shown(HANDOVER, 'keeps its uid when the commit of the new owner comes first'),
  },
  {
    name: 'A former leader deletes nothing',
    ours: shown(PRUNE, 'deletes nothing more once the Lease is lost'),
  },
  {
    name: 'Its removal deletes no application, and leaves the kinds',
    ours: shown(
      'test/integration/uninstall.test.ts',
      'as it was installed (kubectl delete -k .) deletes no application, and leaves kinds, GitSyncs and the key of the seals',
    ),
  },
];

export const drift: Row[] = [
  {
    name: 'Changes by hand are corrected',
    flux: { mark: 'yes', page: KUSTOMIZATION },
    argo: { mark: 'yes', note: 'with `selfHeal`', page: `${ARGO_USER}auto_sync/` },
    ours: shown(SYNC, 'corrects drift, edits and deletions, also while the Git server is away'),
  },
  {
    name: 'At once, by watch',
    flux: { mark: 'no', note: 'at every interval', page: `${KUSTOMIZATION}#interval` },
    argo: { mark: 'yes', note: 'after 5 s, then with back-off', page: `${ARGO_USER}auto_sync/` },
    ours: shown(
      SYNC,
      'corrects drift, edits and deletions, also while the Git server is away',
      'the interval in it is an hour',
    ),
  },
  {
    name: 'The difference is shown',
    flux: { mark: 'yes', note: '`flux diff`', page: 'https://fluxcd.io/flux/cmd/flux_diff_kustomization/' },
    argo: { mark: 'yes', note: '`argocd app diff`, and in its UI', page: `${ARGO_USER}commands/argocd_app_diff/` },
    ours: shown(DRIFT, 'changes nothing, and shows the difference in the status, in an Event and in metricops diff'),
  },
  {
    name: 'Only reported, where that is wanted',
    flux: { mark: 'partly', note: 'for a HelmRelease', page: HELM_RELEASE },
    argo: { mark: 'yes', note: 'with `selfHeal` off', page: `${ARGO_USER}auto_sync/` },
    ours: shown(DRIFT, 'reports a deleted object and does not bring it back, not even after a restart'),
  },
  {
    name: 'Who changed which field',
    ours: shown(DRIFT, 'reverts a change by hand, and says who changed which field from what to what'),
  },
  {
    name: 'Labels and annotations are corrected, of every kind',
    ours: shown(DRIFT, 'corrects labels and annotations of Git, also of kinds that do not count them as a change'),
  },
  {
    name: 'A change of status, or of fields of others, costs no request',
    ours: shown(DRIFT, 'sends nothing for a status, or for what other managers write to fields of their own'),
  },
  {
    name: 'Values of Secrets are not shown',
    flux: { mark: 'yes' },
    argo: { mark: 'yes' },
    ours: shown(DRIFT, 'is reported without its values, in the status, the Events and metricops diff'),
  },
  {
    name: 'Controllers that fight over a field are backed off from',
    flux: { mark: 'no', note: 'corrected at every interval' },
    argo: { mark: 'yes', note: 'to 300 s', page: `${ARGO_USER}auto_sync/` },
    ours: shown(DRIFT, 'is corrected less and less often, and the status says so'),
  },
];
