import { SYSTEM_NAMESPACE } from '../../api/annotations.ts';
import { createDiscovery, isNotFound, type ResourceType, resources } from '../../kube/index.ts';
import type { Cli } from '../context.ts';
import { CliError } from '../io.ts';
import { firstManifests, kindsIn, restManifests } from '../manifests.ts';
import { waitFor } from '../wait.ts';
import { leg, plural } from '../words.ts';

export const UNINSTALL_HELP = `
Removes the controller, the webhook and their rights. What GitSyncs applied keeps running, and the injected sidecars
leave with each workload's next rollout.

By default the kinds stay, with all GitSyncs, holds, release histories and incidents; a later install finds them again.
With --all they are deleted too, the ConfigMaps with the CA bundle of the sidecars, and the namespace
${SYSTEM_NAMESPACE}.

Examples:
  metricops uninstall
  metricops uninstall --all`;

export const uninstall = async (cli: Cli, options: { all?: boolean; timeout: number }): Promise<void> => {
  const start = cli.io.now();
  const say = (line: string): void => cli.io.err(`${leg(cli.io.now() - start).padStart(7)}  ${line}`);
  const discovery = createDiscovery(cli.client, { now: cli.io.now, sleep: cli.io.sleep });
  const rest = restManifests(cli.io.manifests);
  // The webhook before the Deployment: nobody waits for an answer that can't come.
  const webhookFirst = rest.toSorted((a, b) => Number(isWebhook(b.kind)) - Number(isWebhook(a.kind)));
  for (const object of webhookFirst) {
    const type = await discovery.find(object.apiVersion, object.kind);
    if (type) await cli.client.delete(type, object.metadata, { propagationPolicy: 'Background' });
  }
  say(`${plural(rest.length, 'object')} removed`);
  await podsGone(cli, start + options.timeout);
  say('controller stopped');
  if (options.all) await removeKinds(cli, say);
  cli.print({ uninstalled: true, kinds: options.all ? 'removed' : 'kept' }, () =>
    options.all
      ? 'metricops is removed.'
      : 'metricops is removed; its kinds and their objects stay (--all removes them).',
  );
};

const isWebhook = (kind: string): boolean => kind === 'MutatingWebhookConfiguration';

/** The controller must be down before its objects lose their finalizers, or it would take deletions for orders. */
const podsGone = async (cli: Cli, deadline: number): Promise<void> => {
  const labelSelector = 'app.kubernetes.io/name=metricops';
  const where = { namespace: SYSTEM_NAMESPACE, labelSelector, metadataOnly: true };
  const gone = await waitFor(
    cli.io,
    deadline,
    async () => (await cli.client.list(resources.pods, where)).items.length === 0,
  );
  if (!gone) {
    throw new CliError('The controller has not stopped in time.', `kubectl -n ${SYSTEM_NAMESPACE} get pods`);
  }
};

const removeKinds = async (cli: Cli, say: (line: string) => void): Promise<void> => {
  const kinds = kindsIn(firstManifests(cli.io.manifests));
  for (const type of kinds) await releaseFinalizers(cli, type);
  for (const { plural: name, group } of kinds) await cli.client.delete(resources.crds, { name: `${name}.${group}` });
  say(`${plural(kinds.length, 'kind')} and their objects removed`);
  say(`${plural(await removeBundles(cli), 'CA bundle')} removed`);
  await cli.client.delete(resources.namespaces, { name: SYSTEM_NAMESPACE });
  say(`namespace ${SYSTEM_NAMESPACE} removed`);
};

const OURS = 'app.kubernetes.io/name=metricops,app.kubernetes.io/component=ca-bundle';

/** By which sidecars verified the controller, one in each namespace that had some. Their volumes can do without. */
const removeBundles = async (cli: Cli): Promise<number> => {
  const where = { fieldSelector: 'metadata.name=metricops-ca', labelSelector: OURS, metadataOnly: true };
  const { items } = await cli.client.list(resources.configMaps, where);
  for (const { metadata } of items)
    await cli.client.delete(resources.configMaps, metadata, metadata.uid === undefined ? {} : { uid: metadata.uid });
  return items.length;
};

const noneServed = (error: unknown): never[] => {
  if (isNotFound(error)) return [];
  throw error;
};

/** Nobody is left to honour them, and uninstalling must not prune what runs. */
const releaseFinalizers = async (cli: Cli, type: ResourceType): Promise<void> => {
  const items = await cli.client.list(type, { metadataOnly: true }).then((list) => list.items, noneServed);
  for (const { metadata } of items.filter((item) => item.metadata.finalizers?.length)) {
    await cli.client.patch(type, metadata, { type: 'merge', body: { metadata: { finalizers: null } } });
  }
};
