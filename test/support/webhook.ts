import { execFile } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { promisify } from 'node:util';
import { pino } from 'pino';
import { systemClock } from '../../src/clock.ts';
import { createEventSink, createWatchCache, resources } from '../../src/kube/index.ts';
import { createMetrics, type Metrics } from '../../src/telemetry/index.ts';
import { ensurePrograms } from '../../tools/cluster/build.ts';
import {
  type CertificateKeeper,
  createCertificateKeeper,
  startWebhook,
  webhookConfiguration,
} from '../../webhook/index.ts';
import type { ControlPlane } from './cluster.ts';
import { eventually } from './poll.ts';

export interface RunningWebhook {
  /** On 127.0.0.1. */
  port: number;
  metrics: Metrics;
  certificates: CertificateKeeper;
  ready(): boolean;
  /** Ends the server, leaves the configuration: what a crash does. */
  stop(): Promise<void>;
  /** Ends the server and removes the configuration. */
  remove(): Promise<void>;
}

const log = pino({ level: process.env.METRICOPS_TEST_LOG ?? 'silent' });

/** Our admission server on loopback, called by the real API server for the given namespaces only. */
export const runWebhook = async (
  { client }: ControlPlane,
  namespaces: readonly [string, ...string[]],
): Promise<RunningWebhook> => {
  const ports = { clock: systemClock, random: Math.random };
  const metrics = createMetrics();
  const [home] = namespaces;
  const name = `metricops-test-${randomUUID().slice(0, 8)}`;
  const certificates = createCertificateKeeper(
    { client, clock: systemClock, log, metrics },
    { namespace: home, name: 'metricops-webhook-certs' },
    ['127.0.0.1'],
  );
  const pods = createWatchCache(client, resources.pods, {}, ports);
  const cachedNamespaces = createWatchCache(client, resources.namespaces, {}, ports);
  const replicaSets = createWatchCache(client, resources.replicaSets, {}, ports);
  const webhook = startWebhook({
    client,
    clock: { now: systemClock.now, sleep: (ms, signal) => systemClock.sleep(Math.min(ms, 200), signal) }, // looks often
    log,
    metrics,
    certificates,
    pods,
    replicaSets,
    namespaces: cachedNamespaces,
    isLeading: () => true,
    occurred: createEventSink(client, { instance: 'test', clock: systemClock }),
    settings: {
      sidecarImage: 'metricops.dev/sidecar:test',
      recordUrl: 'https://127.0.0.1:1/api/v1/records',
      port: 0,
      host: '127.0.0.1',
      configuration: name,
      namespace: `home-of-${name}`,
    },
  });
  const matchNamespaces = [{ key: 'kubernetes.io/metadata.name', operator: 'In', values: [...namespaces] }];
  const port = await eventually(() => webhook.port(), { what: 'the admission server' });
  const url = `https://127.0.0.1:${port}`;
  await client.create(resources.mutatingWebhooks, webhookConfiguration({ name, client: { url }, matchNamespaces }));
  await eventually(() => webhook.trusted(), { what: 'caBundle in the configuration' });
  const stop = async (): Promise<void> => {
    await Promise.all([webhook.stop(), certificates.stop(), pods.stop(), replicaSets.stop(), cachedNamespaces.stop()]);
  };
  return {
    port,
    metrics,
    certificates,
    ready: webhook.ready,
    stop,
    async remove() {
      await client.delete(resources.mutatingWebhooks, { name });
      await stop();
    },
  };
};

/** kubectl while this process goes on: the API server asks our webhook before it answers. */
export const kubectlBeside = async ({ kubeconfig }: ControlPlane, args: readonly string[]): Promise<string> => {
  const { kubectl } = await ensurePrograms(['kubectl'], { log: () => {} });
  return (await promisify(execFile)(kubectl, ['--kubeconfig', kubeconfig, ...args])).stdout;
};
