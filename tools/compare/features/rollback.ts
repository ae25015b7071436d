import { ARGO_USER, CLI, FLAGGER, HELM_RELEASE, notApplicable, ROLLOUTS, type Row, SYNC, shown } from './claims.ts';

const INCIDENT = 'test/integration/incident.test.ts';
const LOOP = 'test/e2e/loop.test.ts';
const SYNCS_ONLY = { flux: notApplicable, argo: notApplicable };

/** What happens to a bad release once it is out. Flagger and Argo Rollouts end their work with the rollout. */
export const rollback: Row[] = [
  {
    name: 'Rolls back a release that burns its error budget after the rollout',
    flux: { mark: 'no', note: 'Flagger, during a rollout' },
    argo: { mark: 'no', note: 'Argo Rollouts, during a rollout' },
    flagger: { mark: 'no', note: 'only while the analysis runs', page: `${FLAGGER}usage/how-it-works` },
    rollouts: {
      mark: 'partly',
      note: 'while its analysis runs; for blue/green also after the promotion',
      page: `${ROLLOUTS}features/analysis/`,
    },
    ours: shown(LOOP, 'push, sync, inject, record, alert, rollback, hold, fix: with the default guardrails'),
  },
  {
    name: 'The bad release stays out while the rest keeps syncing',
    flux: { mark: 'partly', note: 'a HelmRelease stays back until chart or values change', page: HELM_RELEASE },
    argo: { mark: 'no', note: 'no rollback with auto-sync on', page: `${ARGO_USER}auto_sync/` },
    flagger: { mark: 'yes', note: 'the primary keeps the last promoted release', page: `${FLAGGER}usage/how-it-works` },
    rollouts: { mark: 'yes', note: 'an aborted rollout stays at the stable release', page: `${ROLLOUTS}FAQ/` },
    ours: shown(SYNC, 'goes back, keeps the bad release out, applies the rest, and lets the fix through'),
  },
  {
    name: 'It stays out under a later commit too',
    flux: { mark: 'partly', note: 'a HelmRelease stays back until chart or values change', page: HELM_RELEASE },
    argo: { mark: 'no' },
    flagger: { mark: 'yes', note: 'until the target changes' },
    rollouts: { mark: 'yes', note: 'until the pod template changes' },
    ours: shown(
      'src/sync/plan/plan.test.ts',
      'lets a fixed release through, and one of a later commit that leaves the bad part as it is not',
    ),
  },
  {
    name: 'Configuration comes back with the release',
    flux: { mark: 'partly', note: 'what a Helm chart holds', page: HELM_RELEASE },
    argo: { mark: 'partly', note: 'the whole application, with auto-sync off' },
    flagger: { mark: 'yes', note: 'ConfigMaps and Secrets are copied', page: `${FLAGGER}usage/how-it-works` },
    rollouts: { mark: 'no', note: 'with names by hash only', page: `${ROLLOUTS}best-practices/` },
    ours: shown(SYNC, 'brings back the ConfigMap that the bad commit renamed, and its Secret'),
  },
  {
    name: 'What finds the pods goes back with their labels: Service, PodDisruptionBudget, NetworkPolicy',
    flux: { mark: 'partly', note: 'what a Helm chart holds', page: HELM_RELEASE },
    argo: { mark: 'partly', note: 'the whole application, with auto-sync off' },
    ours: shown(
      'test/integration/holds-needs.test.ts',
      'is what no longer finds the old pods, also where the bad commit was applied long ago and no sync runs',
    ),
  },
  {
    name: 'Rollback by hand in one command',
    flux: { mark: 'no', note: '`git revert`' },
    argo: {
      mark: 'partly',
      note: 'refused while auto-sync is on',
      page: `${ARGO_USER}commands/argocd_app_rollback/`,
    },
    flagger: { mark: 'partly', note: 'by a webhook, while the analysis runs', page: `${FLAGGER}usage/webhooks` },
    rollouts: { mark: 'yes', note: '`undo`, `abort`', page: `${ROLLOUTS}features/kubectl-plugin/` },
    ours: shown(CLI, 'rolls back to the last good release, and waits until the controller has applied it'),
  },
  {
    name: 'Workloads that are not in Git',
    flux: { mark: 'no' },
    argo: { mark: 'no' },
    flagger: { mark: 'yes' },
    rollouts: { mark: 'yes', page: `${ROLLOUTS}FAQ/` },
    ours: shown(LOOP, 'a workload with annotations only, none of our objects, an ordinary alert'),
  },
  {
    name: 'Existing Deployments, without another kind or a copy',
    flux: { mark: 'yes' },
    argo: { mark: 'yes' },
    flagger: { mark: 'no', note: 'a primary beside the target', page: `${FLAGGER}usage/how-it-works` },
    rollouts: { mark: 'no', note: 'a Rollout, which may refer to a Deployment', page: `${ROLLOUTS}migrating/` },
    ours: shown(LOOP, 'a workload with annotations only, none of our objects, an ordinary alert'),
  },
  {
    name: 'Workloads that Flux, Argo CD or Helm apply',
    flux: notApplicable,
    argo: notApplicable,
    flagger: { mark: 'yes', page: `${FLAGGER}install/flagger-install-with-flux` },
    rollouts: { mark: 'yes', page: `${ROLLOUTS}FAQ/` },
    ours: { mark: 'no', note: 'observed only: the other tool would revert the rollback' },
  },
  {
    name: 'No data is no evidence',
    ...SYNCS_ONLY,
    flagger: { mark: 'no', note: 'no value counts as a failed check' },
    rollouts: { mark: 'partly', note: 'Inconclusive, where conditions say so', page: `${ROLLOUTS}features/analysis/` },
    ours: shown(INCIDENT, 'is inconclusive as long as Prometheus has no data'),
  },
  {
    name: 'A crash in the middle: one rollback, not two',
    ...SYNCS_ONLY,
    ours: shown(LOOP, 'killed between the stored incident and the pods being back: one rollback, not two, not none'),
  },
  {
    name: 'A rollback is not rolled back by itself',
    ...SYNCS_ONLY,
    ours: shown(INCIDENT, 'never rolls back what is itself a rollback'),
  },
  {
    name: 'A rollback that did not help is noticed: the verdict was wrong',
    ...SYNCS_ONLY,
    ours: shown('src/incident/correction.test.ts', 'is said to be misjudged, counted, and left to a person'),
  },
  {
    name: 'Change freezes, in which a person decides',
    argo: { mark: 'partly', note: 'sync windows, which stop syncs', page: `${ARGO_USER}sync_windows/` },
    ours: shown(
      'src/incident/consent.test.ts',
      'lets mode Auto ask a person, with its reason and its end, and is decided again then',
    ),
  },
  {
    name: 'A silence of Alertmanager keeps a rollback waiting',
    ...SYNCS_ONLY,
    ours: shown(
      'test/integration/alertmanager-contract.test.ts',
      'has active silences, and no pending and no expired ones',
    ),
  },
  {
    name: 'The story of an incident, with evidence',
    flux: { mark: 'no' },
    argo: { mark: 'no' },
    flagger: { mark: 'partly', note: 'Events and metrics', page: `${FLAGGER}usage/monitoring` },
    rollouts: { mark: 'yes', note: 'AnalysisRun with measurements', page: `${ROLLOUTS}features/analysis/` },
    ours: shown(CLI, 'shows the story of an incident with evidence, verdict, rollback and the length of each step'),
  },
  {
    name: 'A release that can not be restored says so before it is needed',
    ...SYNCS_ONLY,
    ours: shown(
      'test/integration/sync-snapshots.test.ts',
      'that can be stored in no way cost the rollback, with the figure',
    ),
  },
  {
    name: 'Nothing is injected into pods',
    flux: { mark: 'yes' },
    argo: { mark: 'yes' },
    flagger: { mark: 'partly', note: 'a mesh has a proxy' },
    rollouts: { mark: 'partly', note: 'a mesh has a proxy' },
    ours: { mark: 'no', note: 'a recorder, where a workload opted in' },
  },
  {
    name: 'The recorder that is injected keeps no pod from starting',
    ...SYNCS_ONLY,
    flagger: notApplicable,
    rollouts: notApplicable,
    ours: shown(
      'test/integration/webhook-blocks-no-pod.test.ts',
      'of a Deployment whose recorder is not pulled: its pods are made again without, within half a minute',
    ),
  },
];
