import { GROUP, SYSTEM_NAMESPACE } from '../../api/annotations.ts';
import { createDiscovery, isNotFound, type ResourceType, resources } from '../../kube/index.ts';
import type { Cli } from '../context.ts';
import { CliError } from '../io.ts';
import { kindsIn } from '../manifests.ts';
import { waitFor } from '../wait.ts';
import { leg, plural } from '../words.ts';

export const UNINSTALL_HELP = `
Removes the controller, the webhook and their rights. What GitSyncs applied keeps running, and the injected sidecars
leave with each workload's next rollout.

By default the kinds stay, with all GitSyncs, holds, release histories and incidents; a later install finds them again.
With --all they are deleted too, the ConfigMaps with the CA bundle of the sidecars, and the namespace
${SYSTEM_NAMESPACE}.

It names the server and asks; without a terminal it needs --yes.

Examples:
  metricops uninstall
  metricops uninstall --all --context staging --yes`;

export interface UninstallOptions {
  all?: boolean;
  yes?: boolean;
  timeout: number;
}

export const uninstall = async (cli: Cli, options: UninstallOptions): Promise<void> => {
  await confirmed(cli, options);
  const start = cli.io.now();
  const say = (line: string): void => cli.io.err(`${leg(cli.io.now() - start).padStart(7)}  ${line}`);
  const discovery = createDiscovery(cli.client, { now: cli.io.now, sleep: cli.io.sleep });
  const { rest, additions } = cli.io.manifests();
  // The webhook before the Deployment: nobody waits for an answer that can't come.
  const webhookFirst = [...rest, ...additions].toSorted(
    (a, b) => Number(isWebhook(b.kind)) - Number(isWebhook(a.kind)),
  );
  let removed = 0;
  for (const object of webhookFirst) {
    const type = await discovery.find(object.apiVersion, object.kind);
    if (!type) continue;
    await cli.client.delete(type, object.metadata, { propagationPolicy: 'Background' });
    removed += 1;
  }
  say(`${plural(removed, 'object')} removed`);
  await podsGone(cli, start + options.timeout);
  say('controller stopped');
  if (options.all) await removeKinds(cli, say);
  cli.print({ uninstalled: true, kinds: options.all ? 'removed' : 'kept' }, () =>
    options.all
      ? 'metricops is removed.'
      : 'metricops is removed; its kinds and their objects stay (--all removes them).',
  );
};

/** Rejects unless a person, or --yes, agrees to what goes. */
const confirmed = async (cli: Cli, { all, yes }: UninstallOptions): Promise<void> => {
  const what = all ? `with ${await ownObjects(cli)}` : 'its kinds and their objects stay';
  const sentence = `metricops will be removed from ${cli.server}: ${what}`;
  cli.io.err(sentence);
  if (yes) return;
  if (!cli.io.ask)
    throw new CliError(
      'Nothing was removed: there is no terminal to ask at.',
      'metricops uninstall --yes, if that is the server you mean',
    );
  if ((await cli.io.ask('Remove it? Type yes: ')).trim() !== 'yes') throw new CliError('Nothing was removed.');
};

/** `4 GitSyncs, 1 Hold`, or that there is none. */
const ownObjects = async (cli: Cli): Promise<string> => {
  const counts = await Promise.all(
    kindsIn(cli.io.manifests().first).map(async (type) => {
      const { length } = await cli.client.list(type, { metadataOnly: true }).then((list) => list.items, noneServed);
      return length === 0
        ? []
        : [plural(length, type.kind, type.kind.endsWith('y') ? `${type.kind.slice(0, -1)}ies` : `${type.kind}s`)];
    }),
  );
  const found = counts.flat();
  return found.length === 0 ? 'all of its kinds, of which there are no objects' : found.join(', ');
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
  const kinds = kindsIn(cli.io.manifests().first);
  for (const type of kinds) {
    for (const line of await releaseFinalizers(cli, type)) say(line);
  }
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

/**
 * Nobody is left to honour ours, and uninstalling must not prune what runs. What others put there, a backup for
 * example, is theirs to remove: resolves with a line for each.
 */
const releaseFinalizers = async (cli: Cli, type: ResourceType): Promise<string[]> => {
  const items = await cli.client.list(type, { metadataOnly: true }).then((list) => list.items, noneServed);
  const left: string[] = [];
  for (const { metadata } of items) {
    const { namespace, name, finalizers = [], resourceVersion } = metadata;
    const others = finalizers.filter((finalizer) => !finalizer.startsWith(`${GROUP}/`));
    if (others.length > 0) left.push(`${type.kind} ${namespace}/${name} stays until ${others.join(', ')} is removed`);
    if (others.length === finalizers.length) continue;
    await cli.client.patch(type, metadata, {
      type: 'merge',
      body: { metadata: { resourceVersion, finalizers: others } },
    });
  }
  return left;
};
