import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { loadAll } from 'js-yaml';
import { runLoad } from '../../examples/shop/app/load.ts';
import type { Hold } from '../../src/api/hold.ts';
import type { Incident } from '../../src/api/incident.ts';
import type { KubeObject } from '../../src/api/meta.ts';
import type { ReleaseHistory } from '../../src/api/release-history.ts';
import { resources } from '../../src/kube/index.ts';
import { waitFor } from '../../tools/cluster/wait.ts';
import type { Environment } from '../../tools/demo/environment.ts';
import { readyImages } from '../../tools/demo/shop.ts';

const FILE = join(import.meta.dirname, '../../examples/annotations-only/deployment.yaml');
const PODS = 2;

/** Deployment web, which no GitSync knows. */
export interface Unowned {
  /** `kubectl apply` of its manifest with the image of this tag, as a person or a pipeline does it. */
  apply(tag: string): Promise<unknown>;
  /** Waits until all pods that serve have the image of this tag. */
  runs(tag: string): Promise<true>;
  /** The Hold, when it is as wanted. */
  hold(what: string, isWanted: (hold: Hold) => boolean): Promise<Hold>;
  /** The incident, when it is as wanted. */
  incident(what: string, isWanted: (incident: Incident) => boolean): Promise<Incident>;
}

/** Opted in with `kubectl annotate`, recorded, with an ordinary alerting rule and traffic that Prometheus has seen. */
export const unownedUnderLoad = async (
  env: Environment,
  namespace: string,
): Promise<{ web: Unowned; stop: () => Promise<void> }> => {
  const { access, client, kubectl, monitoring } = env;
  await client.create(resources.namespaces, { apiVersion: 'v1', kind: 'Namespace', metadata: { name: namespace } });
  const { annotations, manifest } = manifestOf(readFileSync(FILE, 'utf8'));
  const first = async <T extends KubeObject>(
    type: typeof resources.holds,
    what: string,
    isWanted: (object: T) => boolean,
  ): Promise<T> => {
    let seen: T[] = [];
    const check = async (): Promise<T | undefined> => {
      seen = (await client.list<T>(type, { namespace })).items;
      return seen.find(isWanted);
    };
    const explain = (): string => JSON.stringify(seen.map(({ metadata, status }) => [metadata.name, status]));
    return waitFor(what, check, { timeoutMs: 120_000, explain });
  };
  const web: Unowned = {
    apply: (tag) => kubectl(['apply', '-n', namespace, '-f', '-'], manifest(tag)),
    runs(tag) {
      const wanted = Array(PODS).fill(`metricops.dev/shop:${tag}`).join();
      const check = async () => ((await readyImages(client, namespace, 'web')).join() === wanted ? true : undefined);
      return waitFor(`all pods of ${tag}`, check, { timeoutMs: 120_000 });
    },
    hold: (what, isWanted) => first<Hold>(resources.holds, what, isWanted),
    incident: (what, isWanted) => first<Incident>(resources.incidents, what, isWanted),
  };

  await web.apply('v1');
  await kubectl(['annotate', 'deployment/web', '-n', namespace, ...annotations]);
  const isRecorded = ({ spec }: ReleaseHistory): boolean =>
    spec.releases?.some((r) => r.readyTime !== undefined && r.snapshotRef !== undefined) ?? false;
  await first(resources.releaseHistories, 'the recorded release', isRecorded);
  const metric = `http_requests_total{namespace="${namespace}"`;
  const rule = {
    alert: 'TooManyErrors',
    expr: `sum(rate(${metric},code=~"5.."}[10s])) / sum(rate(${metric}}[10s])) > 0.05`,
    labels: { severity: 'page', namespace, service: 'web' },
  };
  await monitoring.setRules([{ name: 'ordinary', rules: [rule] }], namespace);
  const abort = new AbortController();
  const running = runLoad({
    urls: [`${await access.service(namespace, 'web', 80)}/`],
    rate: 50,
    durationMs: 600_000,
    signal: abort.signal,
  });
  const query = `sum(increase(${metric}}[10s]))`;
  await waitFor('traffic', async () => ((await monitoring.query(query)) > 50 ? true : undefined), {
    timeoutMs: 60_000,
  });
  return {
    web,
    async stop() {
      abort.abort();
      await running;
      await monitoring.setRules([]);
    },
  };
};

/** The example as somebody has it who never heard of metricops, and its annotations as `kubectl annotate` takes them. */
const manifestOf = (file: string): { annotations: string[]; manifest: (tag: string) => string } => {
  const objects = loadAll(file) as KubeObject[];
  const annotations = objects.flatMap(({ metadata }) => Object.entries(metadata.annotations ?? {}));
  for (const { metadata } of objects) delete metadata.annotations;
  const text = objects.map((object) => JSON.stringify(object)).join('\n---\n');
  return {
    annotations: annotations.map(([name, value]) => `${name}=${value}`),
    manifest: (tag) => text.replaceAll(/metricops\.dev\/shop:[^"]+/g, `metricops.dev/shop:${tag}`),
  };
};
