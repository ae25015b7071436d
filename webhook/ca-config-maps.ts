import { isDeepStrictEqual } from 'node:util';
import type { KubeObject } from '../src/api/meta.ts';
import type { Clock } from '../src/clock.ts';
import {
  createWatchCache,
  createWorkQueue,
  isConflict,
  isNotFound,
  type KubeClient,
  resources,
  type WatchCache,
} from '../src/kube/index.ts';
import type { Log } from '../src/telemetry/index.ts';
import type { CertificateKeeper } from './certificates.ts';
import { CA_CONFIG_MAP } from './inject.ts';
import { carriesRecorder } from './trouble.ts';

export interface CaConfigMapPorts {
  client: KubeClient;
  clock: Clock;
  log: Log;
  certificates: CertificateKeeper;
  pods: WatchCache;
  namespaces: WatchCache;
}

const NOT_YET_MS = 5_000;
const MAX_BACKOFF_MS = 600_000;
/** How often a name that another object has is tried again. */
const TAKEN_MS = 600_000;

/**
 * The CA bundle as a ConfigMap in every namespace that has recorded pods. Pods start with the bundle of their
 * injection, so the ConfigMap may come late; it is there for the day when the CA changes under a running pod. What is
 * written follows from the pods that are there, never from a review: anybody can send one.
 */
export const keepCaConfigMaps = (
  { client, clock, log, certificates, pods, namespaces }: CaConfigMapPorts,
  /** Namespace of this installation. */
  home: string,
): { stop(): Promise<void> } => {
  const marks = {
    'app.kubernetes.io/name': 'metricops',
    'app.kubernetes.io/instance': home,
    'app.kubernetes.io/component': 'ca-bundle',
  };
  const labelSelector = Object.entries(marks)
    .map(([key, value]) => `${key}=${value}`)
    .join(',');
  const watched = createWatchCache(client, resources.configMaps, { labelSelector }, { clock, random: Math.random });

  const isWanted = (namespace: string): boolean => {
    const live = namespaces.get({ name: namespace });
    return (
      live !== undefined && live.metadata.deletionTimestamp === undefined && pods.list(namespace).some(carriesRecorder)
    );
  };

  /** Returns when to try again, in milliseconds. Rejects where that is with back-off. */
  const write = async (namespace: string): Promise<number | undefined> => {
    if (!isWanted(namespace)) return undefined;
    const bundle = certificates.current()?.bundle;
    if (bundle === undefined) return NOT_YET_MS;
    const where = { namespace, name: CA_CONFIG_MAP };
    const live = watched.get(where);
    const data = { 'ca.crt': bundle };
    if (isDeepStrictEqual(live?.data, data)) return undefined;
    const object = { apiVersion: 'v1', kind: 'ConfigMap', metadata: { ...where, labels: marks }, data };
    return live ? replace(object, live) : create(object);
  };
  const create = async (object: KubeObject): Promise<number | undefined> => {
    try {
      await client.create(resources.configMaps, object);
      return undefined;
    } catch (error) {
      if (isNotFound(error)) return undefined; // the namespace went
      if (!isConflict(error)) throw error;
      return (await isOurs(object.metadata)) ? undefined : TAKEN_MS;
    }
  };
  const replace = async (object: KubeObject, live: KubeObject): Promise<number | undefined> => {
    const { resourceVersion = '' } = live.metadata;
    try {
      await client.replace(resources.configMaps, { ...object, metadata: { ...object.metadata, resourceVersion } });
      return undefined;
    } catch (error) {
      if (isNotFound(error)) return NOT_YET_MS; // deleted meanwhile: the watch will say so
      throw error;
    }
  };
  /** Another replica was faster, or somebody has a ConfigMap of that name: that one stays theirs. */
  const isOurs = async ({ namespace = '', name }: KubeObject['metadata']): Promise<boolean> => {
    const found = await client.get(resources.configMaps, { namespace, name });
    if (found?.metadata.labels?.['app.kubernetes.io/instance'] === home) return true;
    log.warn({ configMap: `${namespace}/${name}` }, 'CA bundle not written: the name is taken');
    return false;
  };

  const queue = createWorkQueue({
    worker: write,
    concurrency: 4,
    perGroup: 1,
    groupOf: (namespace) => namespace,
    clock,
    random: Math.random,
    maxBackoffMs: MAX_BACKOFF_MS,
    onError: (namespace, err, retryInMs) =>
      log.warn({ err, configMap: `${namespace}/${CA_CONFIG_MAP}`, retryInMs }, 'CA bundle not written'),
  });
  const stops = [
    pods.onChange((pod, previous) => {
      if (pod !== undefined && previous === undefined && carriesRecorder(pod)) queue.add(pod.metadata.namespace ?? '');
    }),
    watched.onChange((object, previous) => queue.add((object ?? previous)?.metadata.namespace ?? '')),
    certificates.onChange(() => {
      const carriers = pods.list().filter(carriesRecorder);
      for (const namespace of new Set(carriers.map(({ metadata }) => metadata.namespace ?? ''))) queue.add(namespace);
    }),
  ];
  return {
    async stop() {
      for (const stop of stops) stop();
      await Promise.all([queue.stop(), watched.stop()]);
    },
  };
};
