import { createHash } from 'node:crypto';
import { SYSTEM_NAMESPACE } from '../../api/annotations.ts';
import type { KubeObject } from '../../api/meta.ts';
import { makeTokens } from '../../callers/tokens.ts';
import { rolloutOf } from '../../health/rollout.ts';
import { createDiscovery, type Discovery, KubeError, resources } from '../../kube/index.ts';
import type { Cli } from '../context.ts';
import { CliError } from '../io.ts';
import { waitFor } from '../wait.ts';
import { leg, plural } from '../words.ts';

export const INSTALL_HELP = `
Applies everything that the repository's kustomization.yaml installs, and waits until the controller is ready. Run it
again to upgrade, or to change a setting: replicas and the settings in the ConfigMap metricops-config stay as they are
in the cluster where no option says another, and so do images of other repositories than this version's. Changed
settings restart the controller. A build of your own names no image that a cluster can pull: the first time, name both.

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

export const install = async (cli: Cli, options: InstallOptions): Promise<void> => {
  const { first, rest: defaults } = cli.io.manifests();
  const installed = await readInstalled(cli, options);
  const configured = configure(defaults, options, installed);
  refuseImagesOfNobody(configured, options, installed);
  const rest = restartedBySettings(configured);
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

  for (const object of rest) await applyOne(cli, discovery, object);
  await makeTokens(cli.client, SYSTEM_NAMESPACE);
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

/** What an installation in the cluster has, and an upgrade leaves as it is. */
export interface Installed {
  settings: Record<string, string>;
  image: string | undefined;
  replicas: number | undefined;
}

const readInstalled = async (cli: Cli, { dryRun }: InstallOptions): Promise<Installed | undefined> => {
  const at = (name: string) => ({ namespace: SYSTEM_NAMESPACE, name });
  try {
    const [config, deployment] = await Promise.all([
      cli.client.get(resources.configMaps, at('metricops-config')),
      cli.client.get(resources.deployments, at('metricops')),
    ]);
    const { replicas, template } = (deployment?.spec ?? {}) as Partial<ControllerSpec>;
    const settings = (config?.data ?? {}) as Record<string, string>;
    return { settings, image: template?.spec.containers[0]?.image, replicas };
  } catch (error) {
    // To print manifests, no cluster is needed.
    if (!dryRun || !(error instanceof KubeError) || error.status !== 0) throw error;
    cli.io.err(`what is installed in ${cli.server} can't be read: ${error.message}`);
    return undefined;
  }
};

interface ControllerSpec {
  replicas: number;
  template: { metadata: { annotations?: Record<string, string> }; spec: { containers: { image: string }[] } };
}

/** The manifests with the options written into them, and with what is installed where no option says another. */
export const configure = (
  objects: KubeObject[],
  options: Partial<InstallOptions>,
  installed: Installed = { settings: {}, image: undefined, replicas: undefined },
): KubeObject[] =>
  objects.map((object) => {
    if (isSettings(object)) {
      const data = { ...(object.data as Record<string, string>), ...installed.settings };
      for (const [key, option] of Object.entries(SETTINGS)) data[key] = options[option] ?? data[key] ?? '';
      const { METRICOPS_SIDECAR_IMAGE: own = '' } = object.data as Record<string, string>;
      data.METRICOPS_SIDECAR_IMAGE = imageToRun(options.sidecarImage, installed.settings.METRICOPS_SIDECAR_IMAGE, own);
      return { ...object, data };
    }
    return object.kind === 'Deployment' ? configureController(object, options, installed) : object;
  });

/** In a source tree the images have names that no registry serves: what runs is decided by whoever installs. */
const IMAGES_OF_NOBODY = /^metricops\.dev\//;

/** An upgrade moves to the image of its own release, and leaves one of another repository, a mirror for example. */
const imageToRun = (option: string | undefined, installed: string | undefined, own: string): string => {
  const isUpgrade = installed !== undefined && repositoryOf(installed) === repositoryOf(own);
  return option ?? (isUpgrade && !IMAGES_OF_NOBODY.test(own) ? own : (installed ?? own));
};

const repositoryOf = (image: string): string => image.replace(/@.*$/, '').replace(/:[^/]*$/, '');

const refuseImagesOfNobody = (
  objects: KubeObject[],
  options: InstallOptions,
  installed: Installed | undefined,
): void => {
  const settings = objects.find(isSettings)?.data as Record<string, string> | undefined;
  const wanted = [
    { option: '--image', given: options.image ?? installed?.image, image: controllerImage(objects) },
    {
      option: '--sidecar-image',
      given: options.sidecarImage ?? installed?.settings.METRICOPS_SIDECAR_IMAGE,
      image: settings?.METRICOPS_SIDECAR_IMAGE,
    },
  ];
  const missing = wanted.filter(({ given, image = '' }) => given === undefined && IMAGES_OF_NOBODY.test(image));
  if (missing.length === 0) return;
  const names = missing.map(({ option }) => option).join(' and ');
  throw new CliError(
    `No image is named that a cluster can pull: ${names} ${missing.length === 1 ? 'is' : 'are'} missing.`,
    'Push the images to a registry that the cluster pulls from, then: metricops install --image REGISTRY/metricops:TAG --sidecar-image REGISTRY/metricops-sidecar:TAG',
  );
};

const controllerImage = (objects: KubeObject[]): string | undefined => {
  const deployment = objects.find(({ kind }) => kind === 'Deployment');
  return (deployment?.spec as ControllerSpec | undefined)?.template.spec.containers[0]?.image;
};

const isSettings = ({ kind, metadata }: KubeObject): boolean =>
  kind === 'ConfigMap' && metadata.name === 'metricops-config';

const configureController = (
  object: KubeObject,
  { image, replicas }: Partial<InstallOptions>,
  installed: Installed,
): KubeObject => {
  const copy = structuredClone(object);
  const spec = copy.spec as ControllerSpec;
  spec.replicas = replicas ?? installed.replicas ?? spec.replicas;
  for (const container of spec.template.spec.containers)
    container.image = imageToRun(image, installed.image, container.image);
  return copy;
};

/** The controller reads its settings when it starts: with others its pods are other ones, too. */
const restartedBySettings = (objects: KubeObject[]): KubeObject[] => {
  const settings = JSON.stringify(objects.find(isSettings)?.data ?? {});
  const checksum = createHash('sha256').update(settings).digest('hex').slice(0, 16);
  return objects.map((object) => {
    if (object.kind !== 'Deployment') return object;
    const copy = structuredClone(object);
    const { metadata } = (copy.spec as ControllerSpec).template;
    metadata.annotations = { ...metadata.annotations, 'checksum/settings': checksum };
    return copy;
  });
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
  const wanted = cli.io.manifests().first.filter((object) => object.kind === 'CustomResourceDefinition');
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
