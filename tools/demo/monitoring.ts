import { mkdirSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { dump } from 'js-yaml';
import type { KubeObject } from '../../src/api/meta.ts';
import { systemClock } from '../../src/clock.ts';
import { createWatchCache, type KubeClient, resources } from '../../src/kube/index.ts';
import { createPrometheus } from '../../src/slo/index.ts';
import type { Access } from './access.ts';

/** What the monitoring needs of the machine it runs on: a folder, and a way to start a process near the cluster. */
export interface MonitoringHost {
  dir: string;
  /** Address at which pods and this process reach what listens there. */
  address: string;
  client: KubeClient;
  access: Access;
  spawn(name: string, argv: string[]): unknown;
}

export interface Monitoring {
  prometheusUrl: string;
  alertmanagerUrl: string;
  /** Replaces the rules and has Prometheus read them again. */
  /** These instead of all others. The file is named for the namespace that they are of, as rules for all have none. */
  setRules(groups: unknown[], namespace?: string): Promise<void>;
  /** Value of the first result; 0 when there is none. */
  query(expression: string): Promise<number>;
  stop(): Promise<void>;
}

export interface MonitoringOptions {
  ports: { prometheus: number; alertmanager: number };
  /** Where Alertmanager sends every alert, and the bearer token that it shows. */
  webhook: { url: string; token: string };
  scrapeSeconds: number;
  clusterName?: string;
}

/**
 * A real Prometheus that scrapes the pods with the usual `prometheus.io/*` annotations, and a real Alertmanager that
 * sends to metricops, both from the distribution's packages. Debian's Prometheus is built without the discovery of
 * Kubernetes, so its targets are written to a file from a watch. Intervals are short, so that a demo takes minutes.
 */
export const startMonitoring = async (host: MonitoringHost, options: MonitoringOptions): Promise<Monitoring> => {
  const { ports } = options;
  const dir = join(host.dir, 'monitoring');
  mkdirSync(dir, { recursive: true });
  const rules = join(dir, 'rules');
  const prometheusFile = dump(prometheusConfig(host, options, join(rules, '*.yaml'), join(dir, 'targets.json')));
  writeFileSync(join(dir, 'prometheus.yaml'), prometheusFile);
  writeFileSync(join(dir, 'alertmanager.yaml'), dump(alertmanagerConfig(options)));
  const targets = join(dir, 'targets.json');
  const discovery = await writeTargets(host, targets);
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
  const prometheus = createPrometheus({ url: prometheusUrl });
  return {
    prometheusUrl,
    query: async (expression) => (await prometheus.query(expression))[0]?.value ?? 0,
    stop: async () => void (await Promise.all([discovery.stop(), prometheus.close()])),
    alertmanagerUrl: `http://${host.address}:${ports.alertmanager}`,
    async setRules(groups, namespace = 'all') {
      rmSync(rules, { recursive: true, force: true });
      mkdirSync(rules);
      writeFileSync(join(rules, `${namespace}.yaml`), dump({ groups }, { noRefs: true }));
      const answer = await fetch(`${prometheusUrl}/-/reload`, { method: 'POST' });
      if (!answer.ok) throw new Error(`Prometheus refused the rules: ${await answer.text()}`);
    },
  };
};

const prometheusConfig = (
  host: MonitoringHost,
  options: MonitoringOptions,
  rules: string,
  targets: string,
): unknown => ({
  global: {
    scrape_interval: `${options.scrapeSeconds}s`,
    evaluation_interval: `${options.scrapeSeconds}s`,
    ...(options.clusterName === undefined ? {} : { external_labels: { cluster: options.clusterName } }),
  },
  rule_files: [rules],
  alerting: { alertmanagers: [{ static_configs: [{ targets: [`${host.address}:${options.ports.alertmanager}`] }] }] },
  scrape_configs: [{ job_name: 'pods', file_sd_configs: [{ files: [targets], refresh_interval: '1s' }] }],
});

/** Keeps the file equal to the running pods that ask to be scraped. */
const writeTargets = async ({ client, access }: MonitoringHost, file: string): Promise<{ stop(): Promise<void> }> => {
  const pods = createWatchCache(client, resources.pods, {}, { clock: systemClock, random: Math.random });
  const write = (): void => {
    writeFileSync(`${file}.new`, JSON.stringify(pods.list().flatMap((pod) => targetOf(pod, access))));
    renameSync(`${file}.new`, file);
  };
  await pods.ready();
  write();
  pods.onChange(write);
  return pods;
};

const targetOf = (pod: KubeObject, access: Access): unknown[] => {
  const { annotations = {}, labels = {}, namespace = '', name } = pod.metadata;
  const { podIP, phase } = (pod.status ?? {}) as { podIP?: string; phase?: string };
  if (annotations['prometheus.io/scrape'] !== 'true' || phase !== 'Running' || podIP === undefined) return [];
  const { target, path } = access.scrape(
    pod,
    annotations['prometheus.io/port'] ?? '80',
    annotations['prometheus.io/path'] ?? '/metrics',
  );
  const app = labels['app.kubernetes.io/name'] ?? '';
  return [{ targets: [target], labels: { __metrics_path__: path, namespace, pod: name, app } }];
};

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
