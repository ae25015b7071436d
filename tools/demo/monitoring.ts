import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { dump } from 'js-yaml';

/** What the monitoring needs of the machine it runs on: a folder, and a way to start a process near the cluster. */
export interface MonitoringHost {
  dir: string;
  /** Address at which pods and this process reach what listens there. */
  address: string;
  kubeconfig: string;
  spawn(name: string, argv: string[]): unknown;
}

export interface Monitoring {
  prometheusUrl: string;
  alertmanagerUrl: string;
  /** Replaces the rules and has Prometheus read them again. */
  setRules(groups: unknown[]): Promise<void>;
}

export interface MonitoringOptions {
  ports: { prometheus: number; alertmanager: number };
  /** Where Alertmanager sends every alert, and the bearer token that it shows. */
  webhook: { url: string; token: string };
  scrapeSeconds: number;
  clusterName?: string;
}

/**
 * A real Prometheus that finds the pods by the usual `prometheus.io/*` annotations, and a real Alertmanager that
 * sends to metricops, both from the distribution's packages. Intervals are short, so that a demo takes minutes.
 */
export const startMonitoring = async (host: MonitoringHost, options: MonitoringOptions): Promise<Monitoring> => {
  const { ports } = options;
  const dir = join(host.dir, 'monitoring');
  mkdirSync(dir, { recursive: true });
  const rules = join(dir, 'rules.yaml');
  writeFileSync(rules, dump({ groups: [] }));
  writeFileSync(join(dir, 'prometheus.yaml'), dump(prometheusConfig(host, options, rules)));
  writeFileSync(join(dir, 'alertmanager.yaml'), dump(alertmanagerConfig(options)));
  host.spawn('prometheus', [
    'prometheus',
    `--config.file=${join(dir, 'prometheus.yaml')}`,
    `--storage.tsdb.path=${join(dir, 'tsdb')}`,
    `--web.listen-address=${host.address}:${ports.prometheus}`,
    '--web.enable-lifecycle',
  ]);
  host.spawn('alertmanager', [
    'prometheus-alertmanager',
    `--config.file=${join(dir, 'alertmanager.yaml')}`,
    `--storage.path=${join(dir, 'alertmanager')}`,
    `--web.listen-address=${host.address}:${ports.alertmanager}`,
    '--cluster.listen-address=',
  ]);
  const prometheusUrl = `http://${host.address}:${ports.prometheus}`;
  return {
    prometheusUrl,
    alertmanagerUrl: `http://${host.address}:${ports.alertmanager}`,
    async setRules(groups) {
      writeFileSync(rules, dump({ groups }, { noRefs: true }));
      const answer = await fetch(`${prometheusUrl}/-/reload`, { method: 'POST' });
      if (!answer.ok) throw new Error(`Prometheus refused the rules: ${await answer.text()}`);
    },
  };
};

const prometheusConfig = (host: MonitoringHost, options: MonitoringOptions, rules: string): unknown => ({
  global: {
    scrape_interval: `${options.scrapeSeconds}s`,
    evaluation_interval: `${options.scrapeSeconds}s`,
    ...(options.clusterName === undefined ? {} : { external_labels: { cluster: options.clusterName } }),
  },
  rule_files: [rules],
  alerting: { alertmanagers: [{ static_configs: [{ targets: [`${host.address}:${options.ports.alertmanager}`] }] }] },
  scrape_configs: [
    {
      job_name: 'pods',
      kubernetes_sd_configs: [{ role: 'pod', kubeconfig_file: host.kubeconfig }],
      relabel_configs: [
        annotation('scrape', { action: 'keep', regex: 'true' }),
        { source_labels: ['__meta_kubernetes_pod_phase'], action: 'keep', regex: 'Running' },
        annotation('path', { target_label: '__metrics_path__', regex: '(.+)' }),
        {
          source_labels: ['__meta_kubernetes_pod_ip', '__meta_kubernetes_pod_annotation_prometheus_io_port'],
          separator: ':',
          target_label: '__address__',
        },
        // One target a pod, not one for each declared container port.
        { source_labels: ['__meta_kubernetes_pod_container_init'], action: 'drop', regex: 'true' },
        { source_labels: ['__meta_kubernetes_namespace'], target_label: 'namespace' },
        { source_labels: ['__meta_kubernetes_pod_name'], target_label: 'pod' },
        { source_labels: ['__meta_kubernetes_pod_label_app_kubernetes_io_name'], target_label: 'app' },
      ],
    },
  ],
});

const annotation = (name: string, rest: Record<string, string>): Record<string, unknown> => ({
  source_labels: [`__meta_kubernetes_pod_annotation_prometheus_io_${name}`],
  ...rest,
});

const alertmanagerConfig = ({ webhook }: MonitoringOptions): unknown => ({
  route: { receiver: 'metricops', group_by: ['...'], group_wait: '1s', group_interval: '5s', repeat_interval: '1m' },
  receivers: [
    {
      name: 'metricops',
      webhook_configs: [
        {
          url: webhook.url,
          send_resolved: true,
          http_config: { authorization: { type: 'Bearer', credentials: webhook.token } },
        },
      ],
    },
  ],
});
