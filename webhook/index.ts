import { labels, SYSTEM_NAMESPACE } from '../src/api/annotations.ts';
import type { Clock } from '../src/clock.ts';
import {
  createWatchCache,
  type EventRecorder,
  type KubeClient,
  resources,
  type WatchCache,
} from '../src/kube/index.ts';
import type { Log, Metrics } from '../src/telemetry/index.ts';
import { breakerState } from './breaker.ts';
import { CERTIFICATES_SECRET } from './certificate-store.ts';
import { type CertificateKeeper, createCertificateKeeper } from './certificates.ts';
import { CONFIGURATION, SERVICE } from './configuration.ts';
import { nativeSidecarsEverywhere } from './native-sidecars.ts';
import { startWebhookServer } from './server.ts';
import { keepCaBundle, keepCaConfigMaps } from './trust.ts';
import { missedInjections } from './watchdog.ts';

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
  /** All pods with annotations, spec.initContainers' names, status.phase and status.initContainerStatuses. */
  pods: WatchCache;
  namespaces: WatchCache;
  events: EventRecorder;
}

/** DNS names of the Service, by which the API server and the recorders know us. */
export const serviceNames = (namespace = SYSTEM_NAMESPACE, service = SERVICE): string[] => [
  `${service}.${namespace}.svc`,
  `${service}.${namespace}.svc.cluster.local`,
];

export const DEFAULT_RECORD_URL = `https://${SERVICE}.${SYSTEM_NAMESPACE}.svc:8443/api/v1/records`;

/** Certificates of the admission server and of the record endpoint: one Secret in our namespace. */
export const startCertificates = (
  ports: Pick<WebhookPorts, 'client' | 'clock' | 'log' | 'metrics'>,
  namespace = SYSTEM_NAMESPACE,
): CertificateKeeper =>
  createCertificateKeeper(ports, { namespace, name: CERTIFICATES_SECRET }, serviceNames(namespace));

const LOOK_MS = 5_000;
const VERSIONS_MS = 300_000;

export interface RunningWebhook {
  /** The port that it listens on. */
  port: number;
  /** false without a valid certificate, and from the moment of stop(). */
  ready(): boolean;
  /** The API server has been told whom to trust. */
  trusted(): boolean;
  /** Takes a few seconds: what is under way ends, and nothing new comes after the endpoints know. */
  stop(): Promise<void>;
}

/** The admission side of metricops. */
export const startWebhook = async (ports: WebhookPorts): Promise<RunningWebhook> => {
  const { client, clock, log, metrics, settings, certificates, pods, namespaces, events } = ports;
  const stopped = new AbortController();
  let nativeSidecars = await nativeSidecarsEverywhere(client).catch((error: unknown) => {
    log.error({ err: error }, 'versions unknown: nothing is injected until they are known');
    return false;
  });
  let openedAt: number | undefined;

  const look = (): void => {
    const { openedAt: next, stuck } = breakerState(pods.list(), openedAt, clock.now());
    if (next !== undefined && openedAt === undefined) {
      log.error({ pods: stuck.length, image: settings.sidecarImage }, 'sidecar image not pulled: injection stopped');
      for (const pod of stuck.slice(0, 10)) {
        const note = `The recorder's image ${settings.sidecarImage} can't be pulled: injection is stopped until it can. Delete this pod to get it without the recorder.`;
        events.record(pod, { type: 'Warning', reason: 'BreakerOpen', action: 'Inject', note });
      }
    }
    if (next === undefined && openedAt !== undefined)
      log.info({}, 'sidecar images are pulled again: injection resumed');
    openedAt = next;
    metrics.injectionStopped.set(openedAt === undefined && nativeSidecars ? 0 : 1);
    const isNamespaceOptedIn = (name: string): boolean =>
      namespaces.get({ name })?.metadata.labels?.[labels.inject] === 'enabled';
    metrics.missedInjections.set(missedInjections(pods.list(), isNamespaceOptedIn).length);
  };
  const every = async (ms: number, work: () => unknown): Promise<void> => {
    while (!stopped.signal.aborted) {
      await clock.sleep(ms, stopped.signal).catch(() => {});
      if (!stopped.signal.aborted) await work();
    }
  };
  const loops = [
    every(LOOK_MS, look),
    every(VERSIONS_MS, async () => {
      nativeSidecars = await nativeSidecarsEverywhere(client).catch(() => nativeSidecars);
    }),
  ];

  const limitRanges = createWatchCache(client, resources.limitRanges, {}, { clock, random: Math.random });
  const trust = { client, clock, log, certificates };
  const caBundle = keepCaBundle(trust, settings.configuration ?? CONFIGURATION);
  const configMaps = keepCaConfigMaps(trust, settings.namespace ?? SYSTEM_NAMESPACE);
  const server = await startWebhookServer(
    {
      clock,
      log,
      metrics,
      certificates,
      cluster: () => ({ nativeSidecars, breakerOpen: openedAt !== undefined }),
      settings: (namespace) => {
        const ca = certificates.current()?.bundle;
        if (ca === undefined) return undefined;
        const { sidecarImage: image, recordUrl } = settings;
        return { image, recordUrl, ca, limitRanges: limitRanges.list(namespace) };
      },
      onInjected: configMaps.ensure,
    },
    settings,
  );
  return {
    port: server.port,
    trusted: caBundle.written,
    ready: () => !stopped.signal.aborted && certificates.current() !== undefined,
    async stop() {
      stopped.abort();
      await Promise.all([server.stop(), caBundle.stop(), configMaps.stop(), limitRanges.stop(), ...loops]);
    },
  };
};
