import type { KubeObject } from '../api/meta.ts';
import { type KubeClient, KubeError } from '../kube/index.ts';
import { type Container, containersOf } from './containers.ts';

/** A log that was asked for: its text, or why there is none. */
export interface ReadLog {
  which: 'previous' | 'current';
  text: string | undefined;
  problem: string | undefined;
  /** RBAC does not let metricops read it. */
  isForbidden: boolean;
}

/** A container with the logs that were read of it. */
export interface ReadContainer extends Omit<Container, 'logs'> {
  logs: readonly ReadLog[];
}

/** Of these pods, the first ones. */
export const MAX_PODS = 5;
const MAX_CONTAINERS = 12;
const MAX_LOGS = 12;
const TAIL_LINES = 50;
/** Of all logs. With what is said about the containers they stay below 64 KiB. */
const LOG_BYTES = 48 * 1024;
const ONE_LOG_BYTES = 16 * 1024;
const MAX_PROBLEM = 200;

/** Reads the ends of the logs of pods, all at once. What can't be read is said in its place: nothing rejects. */
export const collect = async (client: KubeClient, pods: readonly KubeObject[]): Promise<ReadContainer[]> => {
  let left = MAX_LOGS;
  const containers = pods
    .slice(0, MAX_PODS)
    .flatMap(containersOf)
    .slice(0, MAX_CONTAINERS)
    .map((container) => {
      const logs = container.logs.slice(0, left);
      left -= logs.length;
      return { ...container, logs };
    });
  const count = Math.max(MAX_LOGS - left, 1);
  const maxBytes = Math.min(ONE_LOG_BYTES, Math.floor(LOG_BYTES / count));
  const namespace = pods[0]?.metadata.namespace ?? '';
  return Promise.all(
    containers.map(async (container) => ({
      ...container,
      logs: await Promise.all(container.logs.map((which) => readOne(client, namespace, container, which, maxBytes))),
    })),
  );
};

const readOne = async (
  client: KubeClient,
  namespace: string,
  { pod, name }: Container,
  which: ReadLog['which'],
  maxBytes: number,
): Promise<ReadLog> => {
  try {
    const options = { container: name, previous: which === 'previous', tailLines: TAIL_LINES, maxBytes };
    const text = await client.readLog({ namespace, name: pod }, options);
    return { which, text, problem: undefined, isForbidden: false };
  } catch (error) {
    if (!(error instanceof KubeError)) throw error;
    return { which, text: undefined, problem: error.message.slice(0, MAX_PROBLEM), isForbidden: error.status === 403 };
  }
};
