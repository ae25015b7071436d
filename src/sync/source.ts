import { parseDuration } from '../api/common.ts';
import type { GitSync } from '../api/gitsync.ts';
import type { KubeObject } from '../api/meta.ts';
import type { Reason } from '../api/reasons.ts';
import type { GitCredentials, GitRoom, GitSource } from '../git/index.ts';
import { type Discovery, type KubeClient, KubeError, type ResourceType, resources } from '../kube/index.ts';
import { type Rendered, type RenderPorts, render } from '../render/index.ts';
import { withVersionedConfig } from '../snapshot/index.ts';

/** A sync can't go on; `code` is the reason of its Ready condition. */
export class SyncError extends Error {
  override name = 'SyncError';
  readonly code: Reason;

  constructor(code: Reason, message: string) {
    super(message);
    this.code = code;
  }
}

export interface SourcePorts {
  discovery: Discovery;
  git: GitRoom;
  render: RenderPorts;
  /** HMAC key of digests. */
  digestKey: Uint8Array;
}

export const sourceOf = async (sync: GitSync, client: KubeClient): Promise<GitSource> => {
  const { url, ref, timeout, secretRef } = sync.spec;
  const credentials = secretRef && (await readCredentials(sync, secretRef.name, client));
  return { url, ref, timeoutMs: parseDuration(timeout), ...(credentials ? { credentials } : {}) };
};

const readCredentials = async (sync: GitSync, name: string, client: KubeClient): Promise<GitCredentials> => {
  const namespace = sync.metadata.namespace ?? '';
  const secret = await client.get(resources.secrets, { namespace, name });
  if (!secret) throw new SyncError('SecretNotFound', `Secret ${namespace}/${name} does not exist`);
  const data = (secret.data ?? {}) as Record<string, string>;
  const value = (key: string): string | undefined =>
    data[key] === undefined ? undefined : Buffer.from(data[key], 'base64').toString();
  const fields = {
    username: value('username'),
    password: value('password'),
    token: value('token') ?? value('bearerToken'),
    ca: value('ca.crt'),
  };
  if (fields.password === undefined && fields.token === undefined) {
    throw new SyncError('SecretNotFound', `Secret ${namespace}/${name} has neither password nor token`);
  }
  return Object.fromEntries(Object.entries(fields).filter(([, v]) => v !== undefined)) as GitCredentials;
};

/** What the commit asks for, each object in its namespace, versioned configuration under its names. */
export const renderSync = async (
  sync: GitSync,
  source: GitSource,
  commit: string,
  ports: SourcePorts,
): Promise<Rendered> => {
  const tree = await ports.git.open(source, commit);
  const rendered = await render({ tree, path: sync.spec.path, mode: sync.spec.render }, ports.render);
  const placed = await Promise.all(rendered.objects.map((object) => inNamespace(sync, object, ports.discovery)));
  return { ...rendered, objects: withVersionedConfig(placed, ports.digestKey) };
};

/** A kind that is not served yet is placed by what it says: its CustomResourceDefinition may be in the same commit. */
const inNamespace = async (sync: GitSync, object: KubeObject, discovery: Discovery): Promise<KubeObject> => {
  const type = await discovery.find(object.apiVersion, object.kind).catch(undefinedIfAway);
  const { namespace: own, ...metadata } = object.metadata;
  if (type?.namespaced === false) return { ...object, metadata };
  const namespace = sync.spec.targetNamespace ?? own ?? (type ? sync.metadata.namespace : undefined);
  return { ...object, metadata: namespace === undefined ? metadata : { ...metadata, namespace } };
};

/** An aggregated API that does not answer is a problem of its own objects, which their apply will name. */
const undefinedIfAway = (error: unknown): ResourceType | undefined => {
  if (error instanceof KubeError) return undefined;
  throw error;
};
