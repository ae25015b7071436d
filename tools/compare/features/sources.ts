import {
  ARGO_OPERATOR,
  ARGO_USER,
  FLUX_28,
  FLUX_INSTALLATION,
  GIT,
  GIT_REPOSITORY,
  HELM_RELEASE,
  KUSTOMIZATION,
  notYet,
  type Row,
  SYNC,
  SYNC_HELM,
  shown,
} from './claims.ts';

const GIT_SSH = 'test/integration/git-ssh.test.ts';
const GITHUB_APP = 'test/integration/git-github-app.test.ts';
const WORKLOAD_IDENTITY = 'test/integration/git-workload-identity.test.ts';
const PATCHES = 'test/integration/sync-patches.test.ts';
const SOPS = 'test/integration/sync-sops.test.ts';
const VARIABLES = 'test/integration/sync-variables.test.ts';

export const sources: Row[] = [
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
    ours: shown(GIT, 'follows the newest tag of a range of versions, annotated or not'),
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
    ours: shown(GIT_SSH, 'follows a branch, commit after commit, a tag, and a commit of the past'),
  },
  {
    name: 'GitHub App credentials',
    flux: { mark: 'yes', page: `${GIT_REPOSITORY}#github` },
    argo: { mark: 'yes', page: `${ARGO_USER}private-repositories/#github-app-credential` },
    ours: shown(GITHUB_APP, 'is polled and fetched with a token of the installation, which is asked for once'),
  },
  {
    name: 'Workload identity of the cloud, for Git and registries',
    flux: { mark: 'yes', page: `${FLUX_INSTALLATION}workload-identity/` },
    argo: { mark: 'partly', note: 'Azure', page: `${ARGO_USER}private-repositories/` },
    ours: {
      mark: 'partly',
      test: {
        file: WORKLOAD_IDENTITY,
        title: 'is polled and fetched at AWS CodeCommit, with a password that is signed',
      },
      note: 'CodeCommit and Azure Repos, not registries; no real cloud ran it',
    },
  },
  {
    name: 'Signatures of OCI artifacts (cosign)',
    flux: { mark: 'yes', page: 'https://fluxcd.io/flux/components/source/ocirepositories/#verification' },
    ours: notYet,
  },
  {
    name: 'Submodules',
    flux: { mark: 'yes', page: `${GIT_REPOSITORY}#recurse-submodules` },
    argo: { mark: 'yes', page: `${ARGO_USER}private-repositories/#git-submodules` },
    ours: { mark: 'no', note: 'refused, so that nothing is pruned' },
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
    ours: shown(
      'test/integration/git-signatures.test.ts',
      'opens no commit without a signature, by another key, or changed after it was signed',
      'PGP and SSH',
    ),
  },
  {
    name: 'Several sources for one sync',
    flux: { mark: 'yes', note: 'an ArtifactGenerator composes Git, OCI, buckets and charts', page: FLUX_28 },
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

export const rendering: Row[] = [
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
    ours: shown(
      SYNC_HELM,
      'is rendered because of its Chart.yaml, under the name of the GitSync',
      'by `helm template`',
    ),
  },
  {
    name: 'Helm charts of HTTP repositories and OCI registries, in ranges of versions',
    flux: { mark: 'yes', page: HELM_RELEASE },
    argo: { mark: 'yes', page: `${ARGO_USER}helm/` },
    ours: shown(
      SYNC_HELM,
      'renders a chart of a repository with values of its own, and follows the newest version of a range',
    ),
  },
  {
    name: 'Helm values from ConfigMaps and Secrets',
    flux: { mark: 'yes', page: HELM_RELEASE },
    argo: { mark: 'no', note: 'from files and the Application', page: `${ARGO_USER}helm/` },
    ours: shown(SYNC_HELM, 'takes values of files, ConfigMaps and the spec, and follows them'),
  },
  {
    name: 'Helm hooks',
    flux: { mark: 'yes', page: HELM_RELEASE },
    argo: { mark: 'partly', note: 'as hooks of its own', page: `${ARGO_USER}helm/` },
    ours: shown(
      SYNC_HELM,
      'runs the hooks of its chart where it says so: those of an install at first, then those of an upgrade',
      '`hooks: Run`; otherwise a condition names them',
    ),
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
    name: 'Variable substitution',
    flux: { mark: 'yes', page: `${KUSTOMIZATION}#post-build-variable-substitution` },
    ours: shown(
      VARIABLES,
      'replaces variables by ConfigMaps and defaults, with numbers where the API server wants numbers',
      'with the syntax of Flux',
    ),
  },
  {
    name: 'Patches in the object of the sync',
    flux: { mark: 'yes', page: `${KUSTOMIZATION}#patches` },
    argo: { mark: 'yes', note: 'for kustomize', page: `${ARGO_USER}kustomize/#patches` },
    ours: shown(
      PATCHES,
      'change what any renderer makes, by a target, before variables',
      'and images, for any renderer',
    ),
  },
  {
    name: 'A patch that matches no object is reported',
    ours: shown(PATCHES, 'say of a patch and of an image that they match nothing'),
  },
  {
    name: 'Secrets encrypted with SOPS',
    flux: { mark: 'yes', note: 'age, PGP, KMS of AWS, Azure, Google, Vault', page: `${KUSTOMIZATION}#decryption` },
    argo: { mark: 'partly', note: 'by a plugin', page: `${ARGO_OPERATOR}secret-management/` },
    ours: {
      mark: 'yes',
      test: { file: SOPS, title: 'has data keys of all three unwrapped as its own ServiceAccount' },
      note: 'age, PGP, Vault, and KMS of AWS, Azure, Google, which no real cloud ran',
    },
  },
  {
    name: 'A changed encrypted file is refused by its MAC',
    flux: { mark: 'no' },
    ours: shown(
      SOPS,
      'applies nothing of a commit that changed an encrypted file without its key',
      'with kustomize, too',
    ),
  },
];
