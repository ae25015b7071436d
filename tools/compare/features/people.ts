import { ARGO_OPERATOR, ARGO_USER, FLAGGER, notApplicable, notYet, ROLLOUTS, type Row } from './claims.ts';

const FLUX = 'https://fluxcd.io/flux/';
const RELEASES_ONLY = { flagger: notApplicable, rollouts: notApplicable };

/** What people see and run, and the project behind it. */
export const people: Row[] = [
  {
    name: 'Web UI',
    flux: { mark: 'partly', note: 'the Flux Operator has one', page: 'https://fluxoperator.dev/web-ui/' },
    argo: { mark: 'yes', note: 'with single sign-on', page: `${ARGO_OPERATOR}user-management/` },
    flagger: { mark: 'no', note: 'Grafana dashboards', page: `${FLAGGER}usage/monitoring` },
    rollouts: { mark: 'yes', page: `${ROLLOUTS}dashboard/` },
    ours: notYet,
  },
  {
    name: 'Notifications (chat, pagers, webhooks)',
    flux: { mark: 'yes', page: `${FLUX}components/notification/providers/` },
    argo: { mark: 'yes', page: `${ARGO_OPERATOR}notifications/` },
    flagger: { mark: 'yes', page: `${FLAGGER}usage/alerting` },
    rollouts: { mark: 'yes', page: `${ROLLOUTS}features/notifications/` },
    ours: {
      mark: 'yes',
      note: 'chat and webhooks by a Notification; pagers by Alertmanager, which gets each incident as an alert',
      test: {
        file: 'src/notify/controller.test.ts',
        title: 'are sent again under the same id when the process ends before it noted that they were sent',
      },
    },
  },
  {
    name: 'Commit status and comments on pull requests',
    flux: { mark: 'yes', page: `${FLUX}components/notification/providers/` },
    argo: { mark: 'yes', page: `${ARGO_OPERATOR}notifications/services/github/` },
    ...RELEASES_ONLY,
    ours: {
      mark: 'partly',
      note: 'the status of the bad, the held and the fixed commit; no comments',
      test: {
        file: 'src/notify/notices.test.ts',
        title: 'is about the commit of the suspect: what a forge shows beside it',
      },
    },
  },
  {
    name: 'Image automation',
    flux: { mark: 'yes', page: `${FLUX}guides/image-update/` },
    argo: { mark: 'partly', note: 'Argo CD Image Updater', page: 'https://argocd-image-updater.readthedocs.io/' },
    ...RELEASES_ONLY,
    ours: notYet,
  },
  {
    name: 'Preview environments of pull requests',
    flux: {
      mark: 'partly',
      note: 'the Flux Operator',
      page: 'https://fluxoperator.dev/docs/resourcesets/github-pull-requests/',
    },
    argo: { mark: 'yes', page: `${ARGO_OPERATOR}applicationset/Generators-Pull-Request/` },
    ...RELEASES_ONLY,
    ours: notYet,
  },
  {
    name: 'Diff of local files before a merge',
    flux: { mark: 'yes', page: 'https://fluxcd.io/flux/cmd/flux_diff_kustomization/' },
    argo: { mark: 'yes', page: `${ARGO_USER}commands/argocd_app_diff/` },
    ...RELEASES_ONLY,
    ours: notYet,
  },
  {
    name: 'Installs itself from Git (bootstrap)',
    flux: { mark: 'yes', page: `${FLUX}installation/bootstrap/` },
    argo: { mark: 'yes', note: 'app of apps', page: `${ARGO_OPERATOR}cluster-bootstrapping/` },
    ...RELEASES_ONLY,
    ours: notYet,
  },
  {
    name: 'Metrics of each object',
    flux: { mark: 'yes', note: 'by kube-state-metrics', page: `${FLUX}monitoring/custom-metrics/` },
    argo: { mark: 'yes', page: `${ARGO_OPERATOR}metrics/` },
    flagger: { mark: 'yes', page: `${FLAGGER}usage/monitoring` },
    rollouts: { mark: 'yes', page: `${ROLLOUTS}features/controller-metrics/` },
    ours: { mark: 'no', note: 'no label names an object' },
  },
  {
    name: 'Released images, signed, for several architectures',
    flux: { mark: 'yes', page: `${FLUX}security/` },
    argo: { mark: 'yes', page: `${ARGO_OPERATOR}signed-release-assets/` },
    flagger: { mark: 'yes' },
    rollouts: { mark: 'yes', page: `${ROLLOUTS}security/signed-release-assets/` },
    ours: {
      mark: 'partly',
      note: '`npm run release` builds them with an SBOM; nothing is published yet',
      test: {
        file: 'test/cluster/release.test.ts',
        title: 'has the checksum of every file, signed by the key that was given',
      },
    },
  },
  {
    name: 'Installed by a Helm chart of its own',
    flux: { mark: 'partly', note: 'by the community', page: 'https://github.com/fluxcd-community/helm-charts' },
    argo: { mark: 'partly', note: 'by the community', page: 'https://github.com/argoproj/argo-helm' },
    flagger: { mark: 'yes', page: `${FLAGGER}install/flagger-install-on-kubernetes` },
    rollouts: { mark: 'partly', note: 'by the community', page: 'https://github.com/argoproj/argo-helm' },
    ours: {
      mark: 'yes',
      test: {
        file: 'test/integration/chart.test.ts',
        title: 'renders the objects of kubectl kustomize, one by one',
      },
    },
  },
  {
    name: 'Security audits and a process for vulnerabilities',
    flux: { mark: 'yes', page: `${FLUX}security/` },
    argo: { mark: 'yes', page: `${ARGO_OPERATOR}security/` },
    flagger: { mark: 'yes', note: 'as a part of Flux' },
    rollouts: { mark: 'yes', page: `${ROLLOUTS}security/security/` },
    ours: notYet,
  },
  {
    name: 'Tested on every Kubernetes version that it supports',
    flux: { mark: 'yes', note: 'the three newest minors', page: `${FLUX}releases/` },
    argo: { mark: 'yes', page: `${ARGO_OPERATOR}tested-kubernetes-versions/` },
    ours: { mark: 'no', note: 'on 1.34 of 1.31 to 1.34' },
  },
  {
    name: 'Years in production, adopters, a foundation behind it',
    flux: { mark: 'yes', note: 'CNCF graduated' },
    argo: { mark: 'yes', note: 'CNCF graduated' },
    flagger: { mark: 'yes', note: 'as a part of Flux' },
    rollouts: { mark: 'yes', note: 'as a part of Argo' },
    ours: notYet,
  },
];
