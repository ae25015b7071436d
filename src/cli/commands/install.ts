import { randomBytes } from 'node:crypto';
import { SYSTEM_NAMESPACE } from '../../api/annotations.ts';
import type { KubeObject } from '../../api/meta.ts';
import { rolloutOf } from '../../health/rollout.ts';
import { createDiscovery, type Discovery, isConflict, resources } from '../../kube/index.ts';
import type { Cli } from '../context.ts';
import { CliError } from '../io.ts';
import { firstManifests, restManifests } from '../manifests.ts';
import { waitFor } from '../wait.ts';
import { leg, plural } from '../words.ts';

export const INSTALL_HELP = `
Applies everything that the repository's kustomization.yaml installs, and waits until the controller is ready. Run it
again to upgrade: settings that were changed in the ConfigMap metricops-config stay.

Examples:
  metricops install --prometheus-url http://prometheus.monitoring:9090
  metricops install --image registry.example.com/metricops:1.2.0 --sidecar-image registry.example.com/metricops-sidecar:1.2.0
  metricops install --dry-run -o yaml | kubectl diff -f -`;

export interface InstallOptions {
  image?: string;
  sidecarImage?: string;
  prometheusUrl?: string;
  clusterLabel?: string;
  replicas?: number;
  dryRun?: boolean;
  wait: boolean;
  timeout: number;
}

/** Settings of the ConfigMap that belong to people: an upgrade leaves them as they are. */
const SETTINGS = { METRICOPS_PROMETHEUS_URL: 'prometheusUrl', METRICOPS_CLUSTER_LABEL: 'clusterLabel' } as const;

/** Secrets whose token others show to metricops, and who that is. */
export const TOKENS = {
  'metricops-alertmanager': 'Alertmanager',
  'metricops-push': 'push hooks of Git hosts',
} as const;

export const install = async (cli: Cli, options: InstallOptions): Promise<void> => {
  const first = firstManifests(cli.io.manifests);
  const rest = configure(restManifests(cli.io.manifests), options);
  const objects = [...first, ...rest];
  if (options.dryRun) {
    cli.print(objects, () => objects.map((o) => `${o.kind.toLowerCase()}/${o.metadata.name}`).join('\n'));
    return;
  }
  const start = cli.io.now();
  const deadline = start + options.timeout;
  const say = (line: string): void => cli.io.err(`${leg(cli.io.now() - start).padStart(7)}  ${line}`);
  const discovery = createDiscovery(cli.client, { now: cli.io.now, sleep: cli.io.sleep });
  say(`installing in ${cli.server}, namespace ${SYSTEM_NAMESPACE}`);

  for (const object of first) await applyOne(cli, discovery, object);
  await establish(cli, deadline);
  say(`${plural(first.length - 1, 'kind')} served`);

  await keepSettings(cli, rest, options);
  for (const object of rest) await applyOne(cli, discovery, object);
  await makeTokens(cli);
  say(`${plural(rest.length, 'object')} applied`);

  if (options.wait) await controllerReady(cli, deadline, options.timeout, say);
  cli.print({ installed: objects.length, server: cli.server }, () => AFTERWARDS);
};

const AFTERWARDS = `
metricops is installed. Next:
  1. Let Alertmanager send to http://metricops.${SYSTEM_NAMESPACE}.svc:8080/api/v1/alerts with the bearer token of
       kubectl -n ${SYSTEM_NAMESPACE} get secret metricops-alertmanager -o jsonpath='{.data.token}' | base64 -d
  2. Create a GitSync, or opt a workload in:
       kubectl annotate deployment NAME metricops.dev/inject=true metricops.dev/rollback=DryRun
  3. metricops check; metricops status -A`.trim();

/** The manifests with the options written into them. */
export const configure = (objects: KubeObject[], options: Partial<InstallOptions>): KubeObject[] =>
  objects.map((object) => {
    if (object.kind === 'ConfigMap' && object.metadata.name === 'metricops-config') {
      const data = { ...(object.data as Record<string, string>) };
      for (const [key, option] of Object.entries(SETTINGS)) data[key] = options[option] ?? data[key] ?? '';
      if (options.sidecarImage !== undefined) data.METRICOPS_SIDECAR_IMAGE = options.sidecarImage;
      return { ...object, data };
    }
    if (object.kind === 'Deployment') return configureController(object, options);
    return object;
  });

const configureController = (object: KubeObject, { image, replicas }: Partial<InstallOptions>): KubeObject => {
  const copy = structuredClone(object);
  const spec = copy.spec as { replicas: number; template: { spec: { containers: { image: string }[] } } };
  if (replicas !== undefined) spec.replicas = replicas;
  for (const container of spec.template.spec.containers) container.image = image ?? container.image;
  return copy;
};

const keepSettings = async (cli: Cli, objects: KubeObject[], options: InstallOptions): Promise<void> => {
  const live = await cli.client.get(resources.configMaps, { namespace: SYSTEM_NAMESPACE, name: 'metricops-config' });
  const config = objects.find((object) => object.kind === 'ConfigMap' && object.metadata.name === 'metricops-config');
  if (!live || !config) return;
  const data = config.data as Record<string, string>;
  const before = (live.data ?? {}) as Record<string, string>;
  for (const [key, value] of Object.entries(before)) {
    const option = SETTINGS[key as keyof typeof SETTINGS];
    if (key === 'METRICOPS_SIDECAR_IMAGE' || (option !== undefined && options[option] !== undefined)) continue;
    data[key] = value;
  }
};

const applyOne = async (cli: Cli, discovery: Discovery, object: KubeObject): Promise<void> => {
  const type = await discovery.find(object.apiVersion, object.kind);
  if (!type) throw new CliError(`This cluster serves no ${object.kind} of ${object.apiVersion}.`, 'metricops check');
  await cli.client.apply(type, object, { fieldManager: 'metricops-install', force: true });
};

const isEstablished = (crd: KubeObject): boolean =>
  ((crd.status ?? {}) as { conditions?: { type: string; status: string }[] }).conditions?.some(
    ({ type, status }) => type === 'Established' && status === 'True',
  ) === true;

/** Names of our CRDs that are not served. */
export const unestablished = async (cli: Cli): Promise<string[]> => {
  const wanted = firstManifests(cli.io.manifests).filter((object) => object.kind === 'CustomResourceDefinition');
  const live = await Promise.all(wanted.map(({ metadata }) => cli.client.get(resources.crds, { name: metadata.name })));
  return wanted.filter((_, i) => !live[i] || !isEstablished(live[i])).map(({ metadata }) => metadata.name);
};

const establish = async (cli: Cli, deadline: number): Promise<void> => {
  let missing: string[] = [];
  const done = await waitFor(cli.io, deadline, async () => {
    missing = await unestablished(cli);
    return missing.length === 0;
  });
  if (!done) throw new CliError(`Not served in time: ${missing.join(', ')}.`, `kubectl describe crd ${missing[0]}`);
};

/** A token that exists stays: others know it. */
const makeTokens = async (cli: Cli): Promise<void> => {
  for (const name of Object.keys(TOKENS)) {
    const metadata = { namespace: SYSTEM_NAMESPACE, name, labels: { 'app.kubernetes.io/name': 'metricops' } };
    const stringData = { token: randomBytes(32).toString('base64url') };
    try {
      await cli.client.create(resources.secrets, { apiVersion: 'v1', kind: 'Secret', metadata, stringData });
    } catch (error) {
      if (!isConflict(error)) throw error;
    }
  }
};

const controllerReady = async (
  cli: Cli,
  deadline: number,
  timeoutMs: number,
  say: (line: string) => void,
): Promise<void> => {
  let last = '';
  const ready = await waitFor(cli.io, deadline, async () => {
    const deployment = await cli.client.get(resources.deployments, { namespace: SYSTEM_NAMESPACE, name: 'metricops' });
    const progress = deployment ? rolloutOf(deployment) : { done: false, message: 'no Deployment yet' };
    if (progress.message !== last) say(`controller: ${progress.message}`);
    last = progress.message;
    return progress.done;
  });
  if (ready) return;
  const pods = await cli.client.list(resources.pods, {
    namespace: SYSTEM_NAMESPACE,
    labelSelector: 'app.kubernetes.io/name=metricops',
  });
  const why = pods.items.map(waitingFor).find((reason) => reason !== undefined);
  throw new CliError(
    `The controller is not ready within ${leg(timeoutMs)}${why === undefined ? '' : `: ${why}`}.`,
    `kubectl -n ${SYSTEM_NAMESPACE} describe pods -l app.kubernetes.io/name=metricops; the objects are applied, so run install again.`,
  );
};

interface Waiting {
  containerStatuses?: { state?: { waiting?: { reason?: string; message?: string } } }[];
  conditions?: { type: string; status: string; message?: string }[];
}

const waitingFor = ({ status }: KubeObject): string | undefined => {
  const { containerStatuses = [], conditions = [] } = (status ?? {}) as Waiting;
  const waiting = containerStatuses.map((c) => c.state?.waiting).find((w) => w?.reason !== undefined);
  if (waiting) return [waiting.reason, waiting.message].filter((part) => part).join(': ');
  return conditions.find((c) => c.type === 'PodScheduled' && c.status === 'False')?.message;
};
