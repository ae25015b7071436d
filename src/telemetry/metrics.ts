import { Counter, collectDefaultMetrics, Gauge, Histogram, Registry } from 'prom-client';
import { watchLoop } from './loop.ts';

export type Metrics = ReturnType<typeof createMetrics>;

/**
 * The controller's own metrics: base units, `_total` for counters, labels whose values are known when this is compiled.
 * No object, namespace or pod is ever a label.
 */
export const createMetrics = (options: { defaults?: boolean } = {}) => {
  const registry = new Registry();
  const registers = [registry];
  if (options.defaults) {
    collectDefaultMetrics({ register: registry });
    const loop = watchLoop();
    new Gauge({
      name: 'metricops_main_loop_longest_turn_seconds',
      help: 'CPU time of the longest turn of the main loop in the last one to two minutes.',
      registers,
      collect() {
        this.set(loop.longest());
      },
    });
  }
  const counter = <L extends string>(name: string, help: string, labelNames: readonly L[] = []): Counter<L> =>
    new Counter({ name: `metricops_${name}`, help, labelNames: [...labelNames], registers });
  const seconds = <L extends string>(
    name: string,
    help: string,
    labelNames: readonly L[],
    buckets: number[],
  ): Histogram<L> =>
    new Histogram({
      name: `metricops_${name}_duration_seconds`,
      help,
      labelNames: [...labelNames],
      buckets,
      registers,
    });
  const gauge = (name: string, help: string): Gauge => new Gauge({ name: `metricops_${name}`, help, registers });
  const metrics = {
    registry,
    kubeRequests: counter('kube_requests_total', 'Requests to the API server.', ['verb', 'code']),
    watchErrors: counter('watch_errors_total', 'Watches that were resumed or listed again.', ['what']),
    syncs: counter('syncs_total', 'Finished syncs by result.', ['result']),
    syncDuration: seconds(
      'sync',
      'From the start of a sync to its status.',
      [],
      [0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 300],
    ),
    applied: counter('objects_applied_total', 'Objects sent to the API server by server-side apply.', ['result']),
    driftCorrections: counter(
      'drift_corrections_total',
      'Objects reverted to Git after a change by another field manager.',
    ),
    holdsOverdue: gauge(
      'holds_overdue',
      'Holds whose target should be applied for more than five minutes, and is not.',
    ),
    holdsApplied: counter('holds_applied_total', 'Hold targets applied by result.', ['result']),
    holdApplyDuration: seconds(
      'hold_apply',
      'From the creation of a Hold to its last applied object.',
      [],
      [0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 10],
    ),
    snapshots: counter('release_snapshots_total', 'Snapshots of applied releases by result.', ['result']),
    alerts: counter('alerts_received_total', 'Alerts received by result; test: of `metricops test-alert`.', ['result']),
    refusedRequests: counter('requests_refused_total', 'Requests that were answered with an error, by code.', [
      'what',
      'result',
    ]),
    verdicts: counter('verdicts_total', 'Verdicts on releases under suspicion.', ['result']),
    rollbacks: counter(
      'rollbacks_total',
      'Rollbacks by what came of them: started, recovered, notrecovered, misjudged (the verdict was wrong), corrected.',
      ['result'],
    ),
    prometheusWait: seconds(
      'prometheus_wait',
      'How long a query waited for its turn to be sent to Prometheus.',
      [],
      [0.001, 0.01, 0.1, 0.5, 1, 2.5, 5, 10],
    ),
    prometheusWaiting: gauge(
      'prometheus_queries_waiting',
      'Queries that wait for their turn to be sent to Prometheus.',
    ),
    openIncidents: gauge('incidents_open', 'Incidents that are not closed.'),
    incidentsNeedingPerson: gauge(
      'incidents_needing_person',
      'Open incidents with condition NeedsPerson: metricops can not go on by itself.',
    ),
    notifications: counter(
      'notifications_total',
      'Notifications by sink and by what came of them: delivered, failed (it is tried again), refused by the sink, expired.',
      ['what', 'result'],
    ),
    records: counter('release_records_total', 'Reports of recorders by result.', ['result']),
    admissions: counter('admissions_total', 'Admission reviews by what was decided.', ['result']),
    admissionDuration: seconds(
      'admission',
      'Time to answer an admission review.',
      [],
      [0.001, 0.0025, 0.005, 0.01, 0.025, 0.1, 0.5, 2],
    ),
    certificateExpiry: gauge('webhook_certificate_expiry_timestamp_seconds', 'When the serving certificate ends.'),
    webhookTrusted: gauge('webhook_trusted', '1 while every entry of the webhook has the CA of what is served.'),
    injectionStopped: gauge(
      'injection_stopped_namespaces',
      'Namespaces where nothing is injected, because the recorder kept a pod from starting or from being created.',
    ),
    missedInjections: gauge('missed_injections', 'Running pods of opted-in workloads that have no recorder.'),
    leader: gauge('leader', '1 on the replica that acts.'),
  };
  // Alerts ask for an increase, and the first failure is none where there was no value before.
  metrics.holdsApplied.inc({ result: 'failed' }, 0);
  metrics.snapshots.inc({ result: 'refused' }, 0);
  metrics.rollbacks.inc({ result: 'misjudged' }, 0);
  metrics.notifications.inc({ what: 'alertmanager', result: 'failed' }, 0);
  for (const what of ['cloudEvents', 'slack', 'teams', 'gitHub', 'gitLab', 'gitea', 'grafana'])
    for (const result of ['refused', 'expired']) metrics.notifications.inc({ what, result }, 0);
  for (const result of ['refused', 'failed', 'truncated']) metrics.alerts.inc({ result }, 0);
  for (const result of ['Unauthorized', 'BodyTooLarge', 'NotJSON', 'NotAlertmanager'])
    metrics.refusedRequests.inc({ what: 'alerts', result }, 0);
  return metrics;
};
