import { spawn } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { ensureDebianPackages } from '../../tools/cluster/debian.ts';
import { endProcess, startTimeOf } from '../../tools/cluster/processes.ts';
import { eventually } from './poll.ts';

export interface AlertmanagerFixture {
  url: string;
  stop(): Promise<void>;
}

/** A real Alertmanager on loopback; it notifies nobody, where no configuration says whom. */
export const startAlertmanagerFixture = async (
  config: object = { route: { receiver: 'nobody' }, receivers: [{ name: 'nobody' }] },
): Promise<AlertmanagerFixture> => {
  await ensureDebianPackages(['prometheus-alertmanager'], (line) => process.stderr.write(`    ${line}\n`));
  const dir = mkdtempSync(join(tmpdir(), 'metricops-alertmanager-'));
  const file = join(dir, 'alertmanager.yaml');
  writeFileSync(file, JSON.stringify(config));
  const port = await freePort();
  const flags = [
    `--config.file=${file}`,
    `--storage.path=${join(dir, 'data')}`,
    `--web.listen-address=127.0.0.1:${port}`,
    '--cluster.listen-address=',
  ];
  const { pid = 0 } = spawn('prometheus-alertmanager', flags, { stdio: 'ignore' });
  const running = { pid, startTime: startTimeOf(pid) };
  const url = `http://127.0.0.1:${port}`;
  await eventually(async () => (await fetch(`${url}/-/ready`)).ok, { what: 'Alertmanager' });
  return {
    url,
    async stop() {
      await endProcess(running, 5000);
      rmSync(dir, { recursive: true, force: true });
    },
  };
};

const freePort = async (): Promise<number> => {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const address = server.address();
  await new Promise((resolve) => server.close(resolve));
  return typeof address === 'object' && address !== null ? address.port : 0;
};
