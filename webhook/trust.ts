import { isDeepStrictEqual } from 'node:util';
import type { KubeObject } from '../src/api/meta.ts';
import type { Clock } from '../src/clock.ts';
import { isConflict, isNotFound, isRejected } from '../src/kube/errors.ts';
import { createWatchCache } from '../src/kube/index.ts';
import { resources } from '../src/kube/resources.ts';
import type { KubeClient } from '../src/kube/types.ts';
import type { Log } from '../src/telemetry/index.ts';
import type { CertificateKeeper } from './certificates.ts';
import { CA_CONFIG_MAP } from './inject.ts';

interface Ports {
  client: KubeClient;
  clock: Clock;
  log: Log;
  certificates: CertificateKeeper;
}

interface Webhook {
  name: string;
  clientConfig: { caBundle?: string };
}

/** JSON Patch that makes every entry trust the bundle; undefined when nothing differs. */
export const caBundlePatch = (configuration: KubeObject, bundle: string): unknown[] | undefined => {
  const wanted = Buffer.from(bundle).toString('base64');
  const operations = ((configuration.webhooks ?? []) as Webhook[]).flatMap(({ clientConfig }, i) =>
    clientConfig.caBundle === wanted
      ? []
      : [{ op: 'add', path: `/webhooks/${i}/clientConfig/caBundle`, value: wanted }],
  );
  if (operations.length === 0) return undefined;
  return [
    { op: 'test', path: '/metadata/resourceVersion', value: configuration.metadata.resourceVersion },
    ...operations,
  ];
};

/** Keeps caBundle of our MutatingWebhookConfiguration current: written on a difference only, whoever made it. */
export const keepCaBundle = (
  { client, clock, log, certificates }: Ports,
  name: string,
): { written(): boolean; stop(): Promise<void> } => {
  const watched = createWatchCache(
    client,
    resources.mutatingWebhooks,
    { fieldSelector: `metadata.name=${name}` },
    { clock, random: Math.random },
  );
  const patchOf = (): unknown[] | undefined => {
    const configuration = watched.get({ name });
    const bundle = certificates.current()?.bundle;
    return configuration && bundle ? caBundlePatch(configuration, bundle) : undefined;
  };
  const write = async (): Promise<void> => {
    const body = patchOf();
    if (body === undefined) return;
    try {
      await client.patch(resources.mutatingWebhooks, { name }, { type: 'json', body }, { fieldManager: MANAGER });
      log.info({ configuration: name }, 'caBundle written');
    } catch (error) {
      // Another replica was faster, or it is gone: its watch event brings us back here.
      if (!isConflict(error) && !isRejected(error))
        log.warn({ err: error, configuration: name }, 'caBundle not written');
      if (isRejected(error) && !isNotFound(error)) log.error({ err: error, configuration: name }, 'caBundle refused');
    }
  };
  const stops = [watched.onChange(() => void write()), certificates.onChange(() => void write())];
  return {
    written: () => watched.get({ name }) !== undefined && patchOf() === undefined,
    async stop() {
      for (const stop of stops) stop();
      await watched.stop();
    },
  };
};

const MANAGER = 'metricops-webhook';
const PAUSE_MS = 30_000;

/**
 * The CA bundle as a ConfigMap in every namespace that has recorded pods. Pods start with the bundle of their
 * injection, so the ConfigMap may come late; it is there for the day when the CA changes under a running pod.
 */
export const keepCaConfigMaps = (
  { client, clock, log, certificates }: Ports,
  /** Namespace of this installation. */
  home: string,
): { ensure(namespace: string): void; stop(): Promise<void> } => {
  const marks = {
    'app.kubernetes.io/name': 'metricops',
    'app.kubernetes.io/instance': home,
    'app.kubernetes.io/component': 'ca-bundle',
  };
  const labelSelector = Object.entries(marks)
    .map(([key, value]) => `${key}=${value}`)
    .join(',');
  const watched = createWatchCache(client, resources.configMaps, { labelSelector }, { clock, random: Math.random });
  /** Namespaces under way, or refused a moment ago: not asked again at every pod. */
  const quietUntil = new Map<string, number>();

  const write = async (namespace: string): Promise<void> => {
    const bundle = certificates.current()?.bundle;
    if (bundle === undefined || (quietUntil.get(namespace) ?? 0) > clock.now()) return;
    const live = watched.get({ namespace, name: CA_CONFIG_MAP });
    if (isDeepStrictEqual(live?.data, { 'ca.crt': bundle })) return;
    quietUntil.set(namespace, clock.now() + PAUSE_MS);
    const metadata = { namespace, name: CA_CONFIG_MAP, labels: marks };
    const object = { apiVersion: 'v1', kind: 'ConfigMap', metadata, data: { 'ca.crt': bundle } };
    try {
      await client.apply(resources.configMaps, object, { fieldManager: MANAGER, force: true });
    } catch (error) {
      log.warn({ err: error, configMap: `${namespace}/${CA_CONFIG_MAP}` }, 'CA bundle not written');
    }
  };
  const ensure = (namespace: string): void => {
    if (namespace !== home) void write(namespace);
  };
  const stops = [
    watched.onChange((object) => {
      // A deleted one comes back with the next pod: its namespace may be on its way out.
      if (object?.metadata.name === CA_CONFIG_MAP) ensure(object.metadata.namespace ?? '');
    }),
    certificates.onChange(() => {
      quietUntil.clear();
      for (const { metadata } of watched.list()) ensure(metadata.namespace ?? '');
    }),
  ];
  return {
    ensure,
    async stop() {
      for (const stop of stops) stop();
      await watched.stop();
    },
  };
};
