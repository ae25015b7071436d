/**
 * What metricops, Flux and Argo CD do, side by side. `docs/compare.md` is drawn from this. A mark of ours stands only as
 * long as the test that it names passes (`unproven`); a claim about the others only where their documentation or source
 * says so, and is left out where we are not sure.
 */

export type Mark = 'yes' | 'partly' | 'no';

/** What another project does. */
export interface Claim {
  mark: Mark;
  /** A few words of fact, in Markdown. */
  note?: string;
  /** The page of its own documentation that says so. */
  page?: string;
}

/** A test of this repository. */
export interface TestTitle {
  /** Relative to the root of the repository. */
  file: string;
  /** As it stands in `it('…')`. */
  title: string;
}

/** What we do: no mark above "no" without a test that shows it. */
export type OwnClaim = { mark: 'no'; note?: string } | { mark: 'yes' | 'partly'; test: TestTitle; note?: string };

export interface Feature {
  area: string;
  name: string;
  /** Left out: we do not know. */
  flux?: Claim;
  argo?: Claim;
  ours: OwnClaim;
}

const KUSTOMIZATION = 'https://fluxcd.io/flux/components/kustomize/kustomizations/';
const GIT_REPOSITORY = 'https://fluxcd.io/flux/components/source/gitrepositories/';
const HELM_RELEASE = 'https://fluxcd.io/flux/components/helm/helmreleases/';
const FLUX_INSTALLATION = 'https://fluxcd.io/flux/installation/configuration/';
const ARGO_USER = 'https://argo-cd.readthedocs.io/en/stable/user-guide/';
const ARGO_OPERATOR = 'https://argo-cd.readthedocs.io/en/stable/operator-manual/';

const GIT = 'test/integration/git.test.ts';
const SYNC = 'test/integration/sync.test.ts';
const INCIDENT = 'test/integration/incident.test.ts';
const CLI = 'test/integration/cli.test.ts';
const LOOP = 'test/e2e/loop.test.ts';

const shown = (file: string, title: string, note?: string): OwnClaim => ({
  mark: 'yes',
  test: { file, title },
  ...(note === undefined ? {} : { note }),
});
const notYet: OwnClaim = { mark: 'no' };
/** Written, but a mark needs a test. */
const untested: OwnClaim = { mark: 'no', note: 'written, but no test shows it yet' };

const sources: Omit<Feature, 'area'>[] = [
  {
    name: 'Follow a Git branch',
    flux: { mark: 'yes', page: GIT_REPOSITORY },
    argo: { mark: 'yes', page: `${ARGO_USER}tracking_strategies/` },
    ours: shown(GIT, 'follows a branch, commit after commit'),
  },
  {
    name: 'Pin a tag or a commit',
    flux: { mark: 'yes', page: `${GIT_REPOSITORY}#reference` },
    argo: { mark: 'yes', page: `${ARGO_USER}tracking_strategies/` },
    ours: shown(GIT, 'applies a tag, and a commit of the past'),
  },
  {
    name: 'Newest tag of a version range',
    flux: { mark: 'yes', page: `${GIT_REPOSITORY}#reference` },
    argo: { mark: 'yes', page: `${ARGO_USER}tracking_strategies/` },
    ours: notYet,
  },
  {
    name: 'HTTPS with a private CA',
    flux: { mark: 'yes', page: `${GIT_REPOSITORY}#secret-reference` },
    argo: { mark: 'yes', page: `${ARGO_USER}private-repositories/` },
    ours: shown(GIT, 'trusts the CA of the credentials, and no unknown one'),
  },
  {
    name: 'SSH',
    flux: { mark: 'yes', page: `${GIT_REPOSITORY}#secret-reference` },
    argo: { mark: 'yes', page: `${ARGO_USER}private-repositories/` },
    ours: notYet,
  },
  {
    name: 'OCI artifacts',
    flux: { mark: 'yes', page: 'https://fluxcd.io/flux/components/source/ocirepositories/' },
    argo: { mark: 'yes', page: `${ARGO_USER}oci/` },
    ours: notYet,
  },
  {
    name: 'Signed commits only',
    flux: { mark: 'yes', note: 'PGP and SSH', page: `${GIT_REPOSITORY}#verification` },
    argo: { mark: 'yes', note: 'GPG', page: `${ARGO_USER}source-integrity-git-gpg/` },
    ours: notYet,
  },
  {
    name: 'Several sources for one sync',
    flux: { mark: 'partly', note: '`include` of another GitRepository', page: `${GIT_REPOSITORY}#include` },
    argo: { mark: 'yes', page: `${ARGO_USER}multiple_sources/` },
    ours: notYet,
  },
  {
    name: 'Push hooks of the forges',
    flux: { mark: 'yes', page: 'https://fluxcd.io/flux/components/notification/receivers/' },
    argo: { mark: 'yes', page: `${ARGO_OPERATOR}webhook/` },
    ours: shown(
      'src/server/server.test.ts',
      'makes the GitSync of a push fetch at once: by its name, or by the repository',
    ),
  },
];

const rendering: Omit<Feature, 'area'>[] = [
  {
    name: 'Plain YAML',
    flux: { mark: 'yes', page: `${KUSTOMIZATION}#generating-a-kustomizationyaml-file` },
    argo: { mark: 'yes', page: `${ARGO_USER}directory/` },
    ours: shown(SYNC, 'applies a folder, follows its commits, and prunes what left'),
  },
  {
    name: 'Kustomize',
    flux: { mark: 'yes', page: KUSTOMIZATION },
    argo: { mark: 'yes', page: `${ARGO_USER}kustomize/` },
    ours: shown(GIT, 'builds a kustomization with a base beside it'),
  },
  {
    name: 'Remote kustomize bases are refused',
    flux: { mark: 'partly', note: 'with `--no-remote-bases`', page: `${FLUX_INSTALLATION}multitenancy/` },
    argo: { mark: 'no', note: 'they are fetched', page: `${ARGO_USER}kustomize/` },
    ours: shown(GIT, 'refuses symlinks and bases that lead out of the repository, and bases elsewhere'),
  },
  {
    name: 'Helm charts',
    flux: { mark: 'yes', note: 'as Helm releases', page: HELM_RELEASE },
    argo: { mark: 'yes', note: 'by `helm template`', page: `${ARGO_USER}helm/` },
    ours: notYet,
  },
  {
    name: 'Jsonnet',
    flux: { mark: 'no' },
    argo: { mark: 'yes', page: `${ARGO_USER}jsonnet/` },
    ours: notYet,
  },
  {
    name: 'Renderers of your own',
    flux: { mark: 'no' },
    argo: { mark: 'yes', page: `${ARGO_OPERATOR}config-management-plugins/` },
    ours: notYet,
  },
  {
    name: 'Secrets encrypted with SOPS',
    flux: { mark: 'yes', page: `${KUSTOMIZATION}#decryption` },
    argo: { mark: 'partly', note: 'by a plugin', page: `${ARGO_OPERATOR}secret-management/` },
    ours: notYet,
  },
];

const order: Omit<Feature, 'area'>[] = [
  {
    name: 'Kinds that others need go first',
    flux: { mark: 'yes', page: KUSTOMIZATION },
    argo: { mark: 'yes', page: `${ARGO_USER}sync-waves/` },
    ours: untested,
  },
  {
    name: 'Wait until the objects are healthy',
    flux: { mark: 'yes', note: 'kstatus', page: `${KUSTOMIZATION}#wait` },
    argo: { mark: 'yes', note: 'built-in and Lua checks', page: `${ARGO_OPERATOR}health/` },
    ours: untested,
  },
  {
    name: 'A sync waits for others',
    flux: { mark: 'yes', note: '`dependsOn`', page: `${KUSTOMIZATION}#dependencies` },
    argo: {
      mark: 'partly',
      note: 'steps of an ApplicationSet',
      page: `${ARGO_OPERATOR}applicationset/Progressive-Syncs/`,
    },
    ours: untested,
  },
  {
    name: 'A circle of dependencies is named',
    flux: { mark: 'no', note: 'they wait for ever', page: `${KUSTOMIZATION}#dependencies` },
    ours: shown(SYNC, 'names a circle of dependencies'),
  },
];

const applying: Omit<Feature, 'area'>[] = [
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
    ours: untested,
  },
];

const pruning: Omit<Feature, 'area'>[] = [
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
    ours: untested,
  },
  {
    name: 'A person confirms a deletion',
    flux: { mark: 'no' },
    argo: { mark: 'yes', note: '`Prune=confirm`', page: `${ARGO_USER}sync-options/` },
    ours: notYet,
  },
];

const drift: Omit<Feature, 'area'>[] = [
  {
    name: 'Changes by hand are put right',
    flux: { mark: 'yes', page: KUSTOMIZATION },
    argo: { mark: 'yes', note: 'with `selfHeal`', page: `${ARGO_USER}auto_sync/` },
    ours: shown(SYNC, 'puts drift right, edits and deletions, also while the Git server is away'),
  },
  {
    name: 'At once, by watch',
    flux: { mark: 'no', note: 'at every interval', page: `${KUSTOMIZATION}#interval` },
    argo: { mark: 'yes', note: 'after 5 s, then with back-off', page: `${ARGO_USER}auto_sync/` },
    ours: shown(
      SYNC,
      'puts drift right, edits and deletions, also while the Git server is away',
      'the interval in it is an hour',
    ),
  },
  {
    name: 'The difference is shown',
    flux: { mark: 'yes', note: '`flux diff`', page: 'https://fluxcd.io/flux/cmd/flux_diff_kustomization/' },
    argo: { mark: 'yes', note: '`argocd app diff`, and in its UI', page: `${ARGO_USER}commands/argocd_app_diff/` },
    ours: {
      mark: 'partly',
      test: { file: CLI, title: 'shows what was changed by hand, and what a hold keeps out' },
      note: 'of workloads',
    },
  },
];

const tenancy: Omit<Feature, 'area'>[] = [
  {
    name: 'Writes as a ServiceAccount of the tenant',
    flux: { mark: 'yes', page: `${KUSTOMIZATION}#role-based-access-control` },
    argo: { mark: 'partly', note: 'opt-in, beta since v3.5', page: `${ARGO_OPERATOR}app-sync-using-impersonation/` },
    ours: shown(SYNC, 'writes as the ServiceAccount that it is told to be, and no more'),
  },
  {
    name: 'Installs without a wildcard or cluster-admin',
    flux: { mark: 'no', note: 'cluster-admin', page: `${KUSTOMIZATION}#role-based-access-control` },
    argo: { mark: 'no', note: '`*` on `*`' },
    ours: shown(
      'test/integration/deploy.test.ts',
      'gives nobody everything: no wildcard, no escalate, no bind, no impersonation of users or groups',
    ),
  },
  {
    name: 'Projects that limit repositories and destinations',
    flux: { mark: 'no' },
    argo: { mark: 'yes', note: 'AppProject', page: `${ARGO_USER}projects/` },
    ours: notYet,
  },
  {
    name: 'Web UI with single sign-on',
    flux: { mark: 'no', note: 'none in core' },
    argo: { mark: 'yes', page: `${ARGO_OPERATOR}user-management/` },
    ours: notYet,
  },
];

const scale: Omit<Feature, 'area'>[] = [
  {
    name: 'A replica takes over when the leader goes',
    flux: { mark: 'yes', note: 'leader election' },
    argo: { mark: 'partly', note: 'replicas are shards by cluster', page: `${ARGO_OPERATOR}high_availability/` },
    ours: shown('test/integration/kube-faults.test.ts', 'has one leader, and at once another when it goes'),
  },
  {
    name: 'One fetch serves all syncs of a repository',
    flux: { mark: 'yes', note: 'a GitRepository for many Kustomizations', page: GIT_REPOSITORY },
    argo: { mark: 'yes', note: 'one clone in the repo server', page: `${ARGO_OPERATOR}high_availability/` },
    ours: shown(GIT, 'asks once, however many open the same commit, and not again for a folder that did not change'),
  },
  {
    name: 'Work divided among controllers',
    flux: { mark: 'yes', note: 'by label', page: `${FLUX_INSTALLATION}sharding/` },
    argo: { mark: 'yes', note: 'by cluster', page: `${ARGO_OPERATOR}high_availability/` },
    ours: notYet,
  },
  {
    name: 'Many clusters from one control plane',
    flux: { mark: 'yes', page: `${KUSTOMIZATION}#kubeconfig-remote-clusters` },
    argo: { mark: 'yes', page: `${ARGO_OPERATOR}cluster-management/` },
    ours: notYet,
  },
];

const rollback: Omit<Feature, 'area'>[] = [
  {
    name: 'A burning error budget takes the release back',
    flux: { mark: 'no', note: '[Flagger](https://docs.flagger.app/) does, during a rollout' },
    argo: { mark: 'no', note: '[Argo Rollouts](https://argoproj.github.io/rollouts/) does, during a rollout' },
    ours: shown(LOOP, 'push, sync, inject, record, alert, rollback, hold, fix: with the default guardrails'),
  },
  {
    name: 'The bad release stays out while the rest keeps syncing',
    flux: { mark: 'partly', note: 'a HelmRelease stays back until chart or values change', page: HELM_RELEASE },
    argo: { mark: 'no', note: 'no rollback with auto-sync on', page: `${ARGO_USER}auto_sync/` },
    ours: shown(SYNC, 'goes back, keeps the bad release out, applies the rest, and lets the fix through'),
  },
  {
    name: 'It stays out under a later commit too',
    flux: { mark: 'no' },
    argo: { mark: 'no' },
    ours: shown(
      'src/sync/plan.test.ts',
      'lets a fixed release through, and one of a later commit that leaves the bad part as it is not',
    ),
  },
  {
    name: 'Configuration comes back with the release',
    flux: { mark: 'partly', note: 'what a Helm chart holds', page: HELM_RELEASE },
    argo: { mark: 'partly', note: 'the whole application, with auto-sync off' },
    ours: shown(SYNC, 'brings back the ConfigMap that the bad commit renamed, and its Secret'),
  },
  {
    name: 'Rollback by hand in one command',
    flux: { mark: 'no', note: '`git revert`' },
    argo: {
      mark: 'partly',
      note: 'refused while auto-sync is on',
      page: `${ARGO_USER}commands/argocd_app_rollback/`,
    },
    ours: shown(CLI, 'rolls back to the last good release, and waits until the controller has applied it'),
  },
  {
    name: 'Workloads that are not in Git',
    flux: { mark: 'no' },
    argo: { mark: 'no' },
    ours: shown(LOOP, 'a workload with annotations only, none of our objects, an ordinary alert'),
  },
  {
    name: 'No data is no evidence',
    flux: { mark: 'no', note: 'judges no metrics' },
    argo: { mark: 'no', note: 'judges no metrics' },
    ours: shown(INCIDENT, 'abstains as long as Prometheus has no data'),
  },
  {
    name: 'A crash in the middle: one rollback, not two',
    ours: shown(LOOP, 'killed between the stored incident and the pods being back: one rollback, not two, not none'),
  },
  {
    name: 'A rollback is not rolled back by itself',
    ours: shown(INCIDENT, 'never rolls back what is itself a rollback'),
  },
  {
    name: 'The story of an incident, with evidence',
    flux: { mark: 'no' },
    argo: { mark: 'no' },
    ours: shown(CLI, 'tells the story of an incident with evidence, verdict, rollback and the length of each step'),
  },
];

const areas = {
  Sources: sources,
  Render: rendering,
  'Order and health': order,
  Apply: applying,
  Prune: pruning,
  Drift: drift,
  Tenancy: tenancy,
  Scale: scale,
  Rollback: rollback,
};

export const features: readonly Feature[] = Object.entries(areas).flatMap(([area, rows]) =>
  rows.map((row) => ({ area, ...row })),
);
