import { FLAGGER, notApplicable, notYet, ROLLOUTS, type Row, shown } from './claims.ts';

const SYNCS_ONLY = { flux: notApplicable, argo: notApplicable };
const FLAGGER_STRATEGIES = `${FLAGGER}usage/deployment-strategies`;
const FLAGGER_METRICS = `${FLAGGER}usage/metrics`;
const FLAGGER_WEBHOOKS = `${FLAGGER}usage/webhooks`;
const TRAFFIC = `${ROLLOUTS}features/traffic-management/`;
const ANALYSIS = `${ROLLOUTS}features/analysis/`;

/** What happens while a release is rolled out: the home of Flagger and Argo Rollouts. */
export const progressive: Row[] = [
  {
    name: 'A release is judged while a part of the traffic goes to it (canary)',
    ...SYNCS_ONLY,
    flagger: { mark: 'yes', page: FLAGGER_STRATEGIES },
    rollouts: { mark: 'yes', page: `${ROLLOUTS}features/canary/` },
    ours: { mark: 'no', note: 'after the rollout, when an alert fires: all users meet the bad release until then' },
  },
  {
    name: 'Traffic is shifted by a mesh, an ingress controller or the Gateway API',
    ...SYNCS_ONLY,
    flagger: { mark: 'yes', page: FLAGGER_STRATEGIES },
    rollouts: { mark: 'yes', page: TRAFFIC },
    ours: notYet,
  },
  {
    name: 'Blue/green',
    ...SYNCS_ONLY,
    flagger: { mark: 'yes', page: FLAGGER_STRATEGIES },
    rollouts: { mark: 'yes', page: `${ROLLOUTS}features/bluegreen/` },
    ours: notYet,
  },
  {
    name: 'Routing by header or cookie (A/B test)',
    ...SYNCS_ONLY,
    flagger: { mark: 'yes', page: FLAGGER_STRATEGIES },
    rollouts: { mark: 'yes', note: 'by header', page: TRAFFIC },
    ours: notYet,
  },
  {
    name: 'Mirrored traffic',
    ...SYNCS_ONLY,
    flagger: { mark: 'yes', page: FLAGGER_STRATEGIES },
    rollouts: { mark: 'yes', page: TRAFFIC },
    ours: notYet,
  },
  {
    name: 'Experiments with several versions side by side',
    ...SYNCS_ONLY,
    rollouts: { mark: 'yes', page: `${ROLLOUTS}features/experiment/` },
    ours: notYet,
  },
  {
    name: 'Metric providers besides Prometheus',
    ...SYNCS_ONLY,
    flagger: { mark: 'yes', note: 'Datadog, CloudWatch, New Relic and more', page: FLAGGER_METRICS },
    rollouts: { mark: 'yes', note: 'Datadog, CloudWatch, New Relic and more', page: ANALYSIS },
    ours: notYet,
  },
  {
    name: 'Latency and other metrics as the measure',
    ...SYNCS_ONLY,
    flagger: { mark: 'yes', note: 'any query', page: FLAGGER_METRICS },
    rollouts: { mark: 'yes', note: 'any query', page: ANALYSIS },
    ours: {
      mark: 'partly',
      test: {
        file: 'src/slo/indicator.test.ts',
        title: 'counts requests that are in no bucket up to its threshold',
      },
      note: 'latency from histograms, and ratios of events; other alerts by the expression of their rule',
    },
  },
  {
    name: 'Jobs or webhooks as checks',
    ...SYNCS_ONLY,
    flagger: { mark: 'yes', page: FLAGGER_WEBHOOKS },
    rollouts: { mark: 'yes', page: ANALYSIS },
    ours: notYet,
  },
  {
    name: 'Statistics in the comparison of two versions',
    ...SYNCS_ONLY,
    rollouts: { mark: 'yes', note: 'Mann-Whitney, by Kayenta', page: `${ROLLOUTS}analysis/kayenta/` },
    ours: {
      mark: 'partly',
      test: {
        file: 'src/judge/comparison.test.ts',
        title:
          'are Worse one time in a thousand where both are alike, and Alike one time in twenty where they differ by what matters',
      },
      note: "Fisher's exact test of counts, Mann–Whitney of latencies, effect sizes, and an interval that shows that there is no difference",
    },
  },
  {
    name: 'A verdict without a consequence (dry run)',
    ...SYNCS_ONLY,
    rollouts: { mark: 'yes', page: `${ANALYSIS}#dry-run-mode` },
    ours: shown('test/integration/incident.test.ts', 'does no more than the platform allows, whatever the policy says'),
  },
  {
    name: 'Gates: a person or a system says when to go on',
    ...SYNCS_ONLY,
    flagger: { mark: 'yes', note: 'confirm hooks', page: FLAGGER_WEBHOOKS },
    rollouts: { mark: 'yes', note: 'pause steps', page: `${ROLLOUTS}features/canary/` },
    ours: { mark: 'no', note: 'a person can be asked before a rollback, not before a rollout' },
  },
  {
    name: 'Load is generated for the analysis',
    ...SYNCS_ONLY,
    flagger: { mark: 'yes', page: FLAGGER_WEBHOOKS },
    rollouts: { mark: 'no' },
    ours: notYet,
  },
  {
    name: 'StatefulSets',
    ...SYNCS_ONLY,
    flagger: { mark: 'no', note: 'Deployments, DaemonSets, Knative Services', page: `${FLAGGER}usage/how-it-works` },
    rollouts: { mark: 'no' },
    ours: {
      mark: 'partly',
      test: {
        file: 'test/integration/holds-statefulset.test.ts',
        title: 'gets a pod of the restored release: the one that is stuck is deleted',
      },
      note: 'pods of both releases are compared in the last minute only: they keep their names',
    },
  },
];
