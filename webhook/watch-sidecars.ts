import type { Clock } from '../src/clock.ts';
import { createWatchCache, type KubeClient, resources } from '../src/kube/index.ts';
import type { Log } from '../src/telemetry/index.ts';
import { knowsNativeSidecars, nodeCacheOptions, nodeWithoutSidecars } from './native-sidecars.ts';
import type { AdmittedPod } from './pod.ts';

interface Ports {
  client: KubeClient;
  clock: Clock;
  log: Log;
}

const VERSION_MS = 300_000;
const RETRY_MS = 5_000;

/**
 * Where an init container that never ends is a sidecar: on the API server, which would drop what it does not know,
 * and on the nodes that a pod can go to. Nothing is injected before both are known.
 */
export const watchSidecars = ({ client, clock, log }: Ports) => {
  const stopped = new AbortController();
  const nodes = createWatchCache(client, resources.nodes, nodeCacheOptions, { clock, random: Math.random });
  let areNodesKnown = false;
  nodes.ready().then(
    () => {
      areNodesKnown = true;
    },
    () => {}, // stopped before the first list
  );
  let server: string | undefined;

  const ask = async (): Promise<number> => {
    try {
      const { gitVersion = '' } = (await client.raw('GET', '/version')) as { gitVersion?: string };
      server = gitVersion;
      return VERSION_MS;
    } catch (error) {
      log.warn({ err: error }, 'version of the API server unknown');
      return server === undefined ? RETRY_MS : VERSION_MS;
    }
  };
  const run = async (): Promise<void> => {
    while (!stopped.signal.aborted) await clock.sleep(await ask(), stopped.signal).catch(() => {}); // stopped
  };
  const running = run();
  return {
    /** What lacks them of all that this pod can meet, in words; undefined when nothing does. */
    missing(pod: AdmittedPod): string | undefined {
      if (server === undefined || !areNodesKnown)
        return 'the versions of the API server and the nodes are not known yet';
      if (knowsNativeSidecars(server) !== true) return `the API server has version ${server || 'unknown'}`;
      return nodeWithoutSidecars(pod, nodes.list());
    },
    async stop() {
      stopped.abort();
      await Promise.all([running, nodes.stop()]);
    },
  };
};
