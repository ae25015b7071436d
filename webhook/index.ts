import { SYSTEM_NAMESPACE } from '../src/api/annotations.ts';
import type { Occurred } from '../src/api/occurrence.ts';
import type { Clock } from '../src/clock.ts';
import { createWatchCache, type KubeClient, type ResourceType, resources, type WatchCache } from '../src/kube/index.ts';
import type { Log, Metrics } from '../src/telemetry/index.ts';
import { outOfBounds, podsToCome } from './bounds.ts';
import { keepCaBundle } from './ca-bundle.ts';
import { keepCaConfigMaps } from './ca-config-maps.ts';
import { CERTIFICATES_SECRET } from './certificate-store.ts';
import { type CertificateKeeper, createCertificateKeeper } from './certificates.ts';
import { CONFIGURATION, SERVICE } from './configuration.ts';
import { startGuard } from './guard.ts';
import { boundedRecorder } from './inject.ts';
import type { AdmittedPod } from './pod.ts';
import { startWebhookServer } from './server.ts';
import { watchSidecars } from './watch-sidecars.ts';

export { type CertificateKeeper, createCertificateKeeper, type Serving } from './certificates.ts';
export { webhookConfiguration } from './configuration.ts';
export { reloadCertificates } from './server.ts';

export interface WebhookSettings {
  /** Image of the recorder. */
  sidecarImage: string;
  /** Where recorders report. */
  recordUrl: string;
  /** Port of the admission server. */
  port: number;
  host?: string;
  /** Name of the MutatingWebhookConfiguration whose caBundle is kept. */
  configuration?: string;
  /** Namespace of this installation; metricops-system by default. */
  namespace?: string;
}

export interface WebhookPorts {
  client: KubeClient;
  clock: Clock;
  log: Log;
  metrics: Metrics;
  settings: WebhookSettings;
  certificates: CertificateKeeper;
  /** All pods with their metadata, spec.initContainers' names and images, and status. */
  pods: WatchCache;
  /** All ReplicaSets with their status. */
  replicaSets: WatchCache;
  namespaces: WatchCache;
  /** Only the leader deletes pods that the recorder keeps from starting. */
  isLeading: () => boolean;
  occurred: Occurred;
}

/** DNS names of the Service, by which the API server and the recorders know us. */
export const serviceNames = (namespace = SYSTEM_NAMESPACE, service = SERVICE): string[] => [
  `${service}.${namespace}.svc`,
  `${service}.${namespace}.svc.cluster.local`,
];

/** Where recorders report, unless the operator says otherwise. */
export const recordUrlOf = (namespace: string): string => `https://${SERVICE}.${namespace}.svc:8443/api/v1/records`;

/** Certificates of the admission server and of the record endpoint: one Secret in our namespace. */
export const startCertificates = (
  ports: Pick<WebhookPorts, 'client' | 'clock' | 'log' | 'metrics'>,
  namespace = SYSTEM_NAMESPACE,
): CertificateKeeper =>
  createCertificateKeeper(ports, { namespace, name: CERTIFICATES_SECRET }, serviceNames(namespace));

export interface RunningWebhook {
  /** The port that it listens on; undefined until there is a certificate. */
  port(): number | undefined;
  /** false while it does not listen, without a valid certificate, and from the moment of stop(). */
  ready(): boolean;
  /** caBundle is written: the API server knows which CA to trust. */
  trusted(): boolean;
  /** Takes a few seconds: what is under way ends, and nothing new comes after the endpoints know. */
  stop(): Promise<void>;
}

/** The admission side of metricops. It starts by itself, and keeps nobody waiting for its certificate. */
export const startWebhook = (ports: WebhookPorts): RunningWebhook => {
  const { client, clock, log, metrics, settings, certificates, pods, namespaces } = ports;
  const { sidecarImage: image, recordUrl, namespace: systemNamespace = SYSTEM_NAMESPACE } = settings;
  const stopped = new AbortController();
  const guard = startGuard({ ...ports, image });
  const bounds = watchBounds(client, clock);
  const sidecars = watchSidecars({ client, clock, log });
  const caBundle = keepCaBundle(ports, settings.configuration ?? CONFIGURATION);
  const configMaps = keepCaConfigMaps({ client, clock, log, certificates, pods, namespaces }, systemNamespace);
  const toCome = (pod: AdmittedPod, namespace: string): number => {
    const name = pod.metadata?.ownerReferences?.find(({ kind }) => kind === 'ReplicaSet')?.name ?? '';
    return podsToCome(pod, ports.replicaSets.get({ namespace, name }), pods.list(namespace));
  };
  const server = startWebhookServer(
    {
      clock,
      log,
      metrics,
      certificates,
      systemNamespace,
      cluster: (namespace, dryRun) => ({
        withoutSidecars: sidecars.missing,
        outOfBounds: (pod) => {
          const { bounds: known } = bounds.of(namespace);
          const count = known.quotas.length === 0 ? 1 : toCome(pod, namespace);
          return outOfBounds(pod, boundedRecorder(pod, known), known, count);
        },
        stopped: () => guard.stopped(namespace, dryRun),
      }),
      settings: (namespace) => {
        const ca = certificates.current()?.bundle;
        return ca === undefined ? undefined : { image, recordUrl, ca, ...bounds.of(namespace) };
      },
      onAdmitted: guard.admitted,
    },
    settings,
  );
  return {
    port: server.port,
    trusted: caBundle.written,
    ready: () => !stopped.signal.aborted && server.port() !== undefined && certificates.current() !== undefined,
    async stop() {
      stopped.abort();
      await Promise.all([server, guard, bounds, sidecars, caBundle, configMaps].map((part) => part.stop()));
    },
  };
};

/** What the namespace of a pod allows, from watches: admission waits for no request. */
const watchBounds = (client: KubeClient, clock: Clock) => {
  const watch = (type: ResourceType): WatchCache => createWatchCache(client, type, {}, { clock, random: Math.random });
  const all = {
    limitRanges: watch(resources.limitRanges),
    quotas: watch(resources.resourceQuotas),
    networkPolicies: watch(resources.networkPolicies),
  };
  return {
    of: (namespace: string) => ({
      bounds: { limitRanges: all.limitRanges.list(namespace), quotas: all.quotas.list(namespace) },
      networkPolicies: all.networkPolicies.list(namespace),
    }),
    stop: async () => void (await Promise.all(Object.values(all).map((cache) => cache.stop()))),
  };
};
