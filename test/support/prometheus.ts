import { execFileSync, spawn } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import { createServer as createTcpServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { ensureDebianPackages } from '../../tools/cluster/debian.ts';
import { endProcess, startTimeOf } from '../../tools/cluster/processes.ts';
import { eventually } from './poll.ts';

export interface PrometheusFixture {
  url: string;
  /** Stops it from answering, and lets it answer again. */
  pause(): Promise<void>;
  resume(): Promise<void>;
  stop(): Promise<void>;
}

const EXPOSITION = 'metricops_test_errors 20\nmetricops_test_total 100\n';

/**
 * A real Prometheus on loopback that scrapes two gauges every second: 20 failed of 100 requests a second.
 * @param targets further ones, as host:port
 * @param rules a rule file
 */
export const startPrometheusFixture = async ({
  targets = [],
  rules = { groups: [] },
}: {
  targets?: readonly string[];
  rules?: object;
} = {}): Promise<PrometheusFixture> => {
  await ensureDebianPackages(['prometheus'], (line) => process.stderr.write(`    ${line}\n`));
  const exporter = createServer(
    (_, response) => void response.setHeader('content-type', 'text/plain; version=0.0.4').end(EXPOSITION),
  );
  await new Promise<void>((resolve) => exporter.listen(0, '127.0.0.1', resolve));
  const dir = mkdtempSync(join(tmpdir(), 'metricops-prometheus-'));
  const target = `127.0.0.1:${(exporter.address() as { port: number }).port}`;
  const config = {
    global: { scrape_interval: '1s' },
    rule_files: [join(dir, 'rules.yaml')],
    scrape_configs: [{ job_name: 'test', static_configs: [{ targets: [target, ...targets] }] }],
  };
  writeFileSync(join(dir, 'rules.yaml'), JSON.stringify(rules));
  const { url, start } = await prepare(dir, config);
  const begin = async () => {
    const running = start();
    await eventually(async () => hasSamples(url), { what: 'samples in Prometheus' });
    return running;
  };
  let running = await begin();
  return {
    url,
    pause: () => endProcess(running, 5000),
    async resume() {
      running = await begin();
    },
    async stop() {
      await endProcess(running, 5000);
      exporter.close();
      rmSync(dir, { recursive: true, force: true });
    },
  };
};

/**
 * A real Prometheus that scrapes nothing and has these series from the beginning, so that two of them can be compared
 * sample by sample.
 *
 * @param openMetrics with times, of the last days
 * @param rules a rule file
 */
export const startPrometheusWith = async (openMetrics: string, rules: object): Promise<PrometheusOf> => {
  await ensureDebianPackages(['prometheus'], (line) => process.stderr.write(`    ${line}\n`));
  const dir = mkdtempSync(join(tmpdir(), 'metricops-prometheus-'));
  writeFileSync(join(dir, 'series.txt'), openMetrics);
  const ruleFile = join(dir, 'rules.yaml');
  writeFileSync(ruleFile, JSON.stringify(rules));
  const into = ['tsdb', 'create-blocks-from', 'openmetrics', join(dir, 'series.txt'), join(dir, 'data')];
  execFileSync('promtool', into, { stdio: ['ignore', 'ignore', 'pipe'] });
  const { url, start } = await prepare(dir, { rule_files: [ruleFile] });
  const running = start();
  await eventually(async () => (await fetch(`${url}/-/ready`)).ok, { what: 'Prometheus' });
  return {
    url,
    ruleFile,
    async stop() {
      await endProcess(running, 5000);
      rmSync(dir, { recursive: true, force: true });
    },
  };
};

export interface PrometheusOf {
  url: string;
  ruleFile: string;
  stop(): Promise<void>;
}

const prepare = async (dir: string, config: object) => {
  const file = join(dir, 'prometheus.yaml');
  writeFileSync(file, JSON.stringify(config));
  const port = await freePort();
  const flags = [
    `--config.file=${file}`,
    `--storage.tsdb.path=${join(dir, 'data')}`,
    `--web.listen-address=127.0.0.1:${port}`,
  ];
  return {
    url: `http://127.0.0.1:${port}`,
    start: (): { pid: number; startTime: string } => {
      const { pid = 0 } = spawn('prometheus', flags, { stdio: 'ignore' });
      return { pid, startTime: startTimeOf(pid) };
    },
  };
};

const hasSamples = async (url: string): Promise<boolean> => {
  const answer = await fetch(`${url}/api/v1/query?query=metricops_test_total`);
  const { data } = (await answer.json()) as { data: { result: unknown[] } };
  return data.result.length > 0;
};

const freePort = async (): Promise<number> => {
  const server = createTcpServer();
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as { port: number };
  await new Promise((resolve) => server.close(resolve));
  return port;
};
