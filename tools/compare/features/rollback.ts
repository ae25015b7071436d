import { ARGO_USER, CLI, HELM_RELEASE, type Row, SYNC, shown } from './claims.ts';

const INCIDENT = 'test/integration/incident.test.ts';
const LOOP = 'test/e2e/loop.test.ts';

export const rollback: Row[] = [
  {
    name: 'A burning error budget rolls the release back',
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
    flux: { mark: 'partly', note: 'a HelmRelease stays back until chart or values change', page: HELM_RELEASE },
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
    ours: shown(INCIDENT, 'is inconclusive as long as Prometheus has no data'),
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
    ours: shown(CLI, 'shows the story of an incident with evidence, verdict, rollback and the length of each step'),
  },
  {
    name: 'A release that can not be restored says so before it is needed',
    ours: shown(
      'test/integration/sync-snapshots.test.ts',
      'that can be stored in no way cost the rollback, with the figure',
    ),
  },
  {
    name: 'The recorder that is injected keeps no pod from starting',
    ours: shown(
      'test/integration/webhook-blocks-no-pod.test.ts',
      'of a Deployment whose recorder is not pulled: its pods are made again without, within half a minute',
    ),
  },
];
