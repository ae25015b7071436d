import type { GitSync } from '../../api/gitsync.ts';
import { describeKey, groupOf, type KubeObject, keyOf, keyString, type ObjectKey, parseKey } from '../../api/meta.ts';
import { ReasonError } from '../../api/reason-error.ts';
import { type Discovery, KubeError, type ResourceType } from '../../kube/index.ts';
import {
  asStored,
  type Release,
  type Rendered,
  type RenderPorts,
  render,
  substitute,
  type Variables,
} from '../../render/index.ts';
import { withVersionedConfig } from '../../snapshot/index.ts';
import type { Decryption } from '../../sops/types.ts';
import type { Source } from '../../source/types.ts';
import { divideHooks, runsHelmHooks } from '../hooks/hook.ts';

export interface SourcePorts {
  discovery: Discovery;
  render: RenderPorts;
  /** HMAC key of digests. */
  digestKey: Uint8Array;
}

/** What is rendered, and with what. */
export interface RenderFrom {
  source: Source;
  commit: string;
  /** None where spec.decryption is not set. */
  decryption: Decryption | undefined;
  /** None where spec.postBuild is not set. */
  variables: Variables | undefined;
  /** Asked for where the commit has a chart. Rejects with ReasonError, or with KubeError. */
  release: () => Promise<Release>;
  /** keyStrings of what was applied before. */
  inventory: Iterable<string>;
}

/** What the commit asks for, with its variables, each object in its namespace, versioned configuration under its names. */
export const renderSync = async (
  sync: GitSync,
  { source, commit, decryption, variables, release, inventory }: RenderFrom,
  ports: SourcePorts,
): Promise<Rendered> => {
  const tree = await source.open(commit);
  const { path, ignore, render: choice, patches = [], images = [] } = sync.spec;
  const tenant = sync.metadata.namespace ?? '';
  const patching = { patches, images };
  const input = { source: source.identity, tree, path, choice, ignore, patching, decryption, tenant, release };
  const rendered = await render(input, ports.render);
  const known = [...(sync.status?.inventory?.entries ?? []).map(({ id }) => id), ...inventory].map(parseKey);
  const substituted = variables ? await substitute(rendered.objects, variables) : rendered.objects;
  // The last of all: a patch and a variable are about what the file says.
  const objects = substituted.map(asStored);
  const scopes = new Map([...scopesKnown(known), ...scopesIn(objects)]);
  const placed = await Promise.all(objects.map((object) => inNamespace(sync, object, scopes, ports.discovery)));
  refuseTwins(placed);
  divideHooks(placed, { helm: runsHelmHooks(sync) }); // refuses those that can't be run
  return { ...rendered, objects: withVersionedConfig(placed, ports.digestKey) };
};

/** One with and one without a namespace may be the same object. */
const refuseTwins = (objects: readonly KubeObject[]): void => {
  const seen = new Set<string>();
  for (const key of objects.map(keyOf)) {
    const id = keyString(key);
    if (seen.has(id)) {
      const message = `${describeKey(key)} is there twice, once its namespace is filled in`;
      throw new ReasonError('DuplicateObject', message);
    }
    seen.add(id);
  }
};

type Scopes = ReadonlyMap<string, boolean>;

/** The same of kinds that were applied before: an API that does not answer changes nothing of where its objects are. */
const scopesKnown = (keys: readonly ObjectKey[]): [string, boolean][] =>
  keys.filter(({ namespace }) => namespace !== '').map(({ group, kind }) => [`${group}/${kind}`, true]);

/** By group and kind, whether the kinds that the commit itself defines are namespaced. */
const scopesIn = (objects: readonly KubeObject[]): Scopes =>
  new Map(
    objects
      .filter(({ apiVersion, kind }) => kind === 'CustomResourceDefinition' && groupOf(apiVersion) === CRD_GROUP)
      .map(({ spec }) => {
        const { group, names, scope } = (spec ?? {}) as { group?: string; names?: { kind?: string }; scope?: string };
        return [`${group}/${names?.kind}`, scope === 'Namespaced'];
      }),
  );

const CRD_GROUP = 'apiextensions.k8s.io';

/** A kind that is neither served nor defined in the commit, nor was applied before, is placed by what it says. */
const inNamespace = async (
  sync: GitSync,
  object: KubeObject,
  scopes: Scopes,
  discovery: Discovery,
): Promise<KubeObject> => {
  const type = await discovery.find(object.apiVersion, object.kind).catch(undefinedIfAway);
  const namespaced = type?.namespaced ?? scopes.get(`${groupOf(object.apiVersion)}/${object.kind}`);
  const { namespace: own, ...metadata } = object.metadata;
  if (namespaced === false) return { ...object, metadata };
  const namespace = sync.spec.targetNamespace ?? own ?? (namespaced ? sync.metadata.namespace : undefined);
  return { ...object, metadata: namespace === undefined ? metadata : { ...metadata, namespace } };
};

/** An aggregated API that does not answer is a problem of its own objects, which their apply will name. */
const undefinedIfAway = (error: unknown): ResourceType | undefined => {
  if (error instanceof KubeError) return undefined;
  throw error;
};
