import {
  ARGO_OPERATOR,
  ARGO_USER,
  FLUX_INSTALLATION,
  GIT,
  GIT_REPOSITORY,
  KUSTOMIZATION,
  notYet,
  type Row,
  SYNC,
  shown,
} from './claims.ts';

const TENANCY = 'test/integration/sync-tenancy.test.ts';
const SETS = 'test/integration/gitsyncset.test.ts';
const FAIRNESS = 'test/integration/sync-fairness.test.ts';

export const tenancy: Row[] = [
  {
    name: 'Writes as a ServiceAccount of the tenant',
    flux: { mark: 'yes', page: `${KUSTOMIZATION}#role-based-access-control` },
    argo: { mark: 'partly', note: 'opt-in, beta since v3.5', page: `${ARGO_OPERATOR}app-sync-using-impersonation/` },
    ours: shown(SYNC, 'writes as the ServiceAccount of spec.serviceAccountName, and no more'),
  },
  {
    name: 'That can be made mandatory',
    flux: { mark: 'yes', page: `${FLUX_INSTALLATION}multitenancy/` },
    argo: { mark: 'partly', note: 'beta', page: `${ARGO_OPERATOR}app-sync-using-impersonation/` },
    ours: shown(TENANCY, 'is refused without a ServiceAccount, and works with one'),
  },
  {
    name: 'No references to other namespaces',
    flux: { mark: 'partly', note: 'with `--no-cross-namespace-refs`', page: `${FLUX_INSTALLATION}multitenancy/` },
    ours: shown(TENANCY, 'can name nothing of another namespace in a GitSync'),
  },
  {
    name: "A label on somebody else's object claims nothing",
    argo: { mark: 'yes', note: 'tracking by annotation, the default', page: `${ARGO_USER}resource_tracking/` },
    ours: shown(TENANCY, 'loses nothing to the owner label of its GitSync on an object of somebody else'),
  },
  {
    name: 'Installs without a wildcard or cluster-admin',
    flux: { mark: 'no', note: 'cluster-admin', page: `${KUSTOMIZATION}#role-based-access-control` },
    argo: { mark: 'no', note: '`*` on `*`' },
    ours: shown(
      'test/integration/deploy.test.ts',
      'gives nobody everything: no wildcard, no escalate, no bind, no impersonation of users or groups',
      'it impersonates ServiceAccounts and lists Secrets everywhere, which whoever takes it over could use to become cluster-admin',
    ),
  },
  {
    name: 'Projects that limit repositories and destinations',
    flux: { mark: 'no' },
    argo: { mark: 'yes', note: 'AppProject', page: `${ARGO_USER}projects/` },
    ours: {
      mark: 'partly',
      test: {
        file: TENANCY,
        title: 'refuses repositories on other hosts, says which are allowed, and lifts at once when it changes',
      },
      note: 'hosts, kinds and namespaces by one PlatformPolicy for all, rights by RBAC',
    },
  },
  {
    name: 'Kinds that only the tenant may read',
    ours: shown(
      'test/integration/sync-kinds.test.ts',
      'applies what only the ServiceAccount of the GitSync may read, and says that nobody watches it',
    ),
  },
  {
    name: 'A rollback has the rights of the tenant',
    ours: shown('test/integration/sync-kinds.test.ts', 'syncs and rolls back a tenant with the rights of the tenant'),
  },
];

export const scale: Row[] = [
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
  {
    name: 'One object for many syncs',
    flux: {
      mark: 'no',
      note: 'the Flux Operator has ResourceSet',
      page: 'https://fluxoperator.dev/docs/crd/resourceset/',
    },
    argo: { mark: 'yes', note: 'ApplicationSet', page: `${ARGO_OPERATOR}applicationset/` },
    ours: shown(SETS, 'makes a GitSync for each folder, and follows the commits'),
  },
  {
    name: 'A Git server that hangs delays only its own users',
    ours: shown(FAIRNESS, 'does not delay the GitSyncs of other servers, however many use it'),
  },
  {
    name: 'A namespace that hangs delays no other',
    ours: shown(
      FAIRNESS,
      'delays neither the GitSyncs of other namespaces nor a rollback, and is synced when it recovers',
    ),
  },
  {
    name: 'A repository has limits, and costs its own namespace only',
    ours: shown(
      'test/integration/git-hostile.test.ts',
      'a tenant with many repositories gives up its own mirrors, and not those of others',
      'all limits are in [limits.md](limits.md)',
    ),
  },
  {
    name: 'A build has limits of memory, CPU time and output',
    ours: shown('test/integration/render-bounds.test.ts', 'that needs more memory is refused, with the bound'),
  },
  {
    name: 'A build of one namespace delays no other',
    ours: shown(
      'test/integration/render-bounds.test.ts',
      'waits while its tenant has one under way, and overtakes what that tenant has waiting',
    ),
  },
  {
    name: 'A busy leader keeps the Lease, and one that hangs loses it and writes nothing',
    ours: shown(
      'test/integration/lease-thread.test.ts',
      'lets a main loop that hangs lose the Lease, and no write of it is sent when it goes on',
    ),
  },
];
