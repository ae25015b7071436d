import { createHmac } from 'node:crypto';
import { annotations } from '../api/annotations.ts';
import type { KubeObject } from '../api/meta.ts';
import { canonical, hashOf } from './canonical.ts';
import { referencedConfig, templateOf } from './references.ts';

/** Template annotations that say when pods were restarted or recorded, not what they run. */
const IGNORED_ANNOTATIONS = [
  annotations.restartedAt,
  annotations.inject,
  annotations.injection,
  'kubectl.kubernetes.io/restartedAt',
];
/** Template labels that controllers compute from the template itself. */
const IGNORED_LABELS = ['pod-template-hash', 'controller-revision-hash', 'pod-template-generation'];

export interface Digests {
  /** `v1:<sha256>` over template and config: what holds compare. */
  sourceDigest: string;
  /** ConfigMaps and Secrets of the same render that the template references. */
  references: KubeObject[];
}

/**
 * Identity of what Git asks for in a workload: its rendered pod template, and the content of the ConfigMaps and
 * Secrets that it references and the same GitSync renders. Replicas, strategy and metadata do not count.
 *
 * @param key secret HMAC key of this installation: Secrets enter the digest as HMACs, for a plain hash of a short
 *   password, shown in a status, could be guessed.
 */
export const digestsOf = (workload: KubeObject, rendered: readonly KubeObject[], key: Uint8Array): Digests => {
  const references = referencedConfig(workload, rendered);
  const config = references.map((o) => [o.kind, o.metadata.name, contentHash(o, key)]);
  return {
    sourceDigest: `v1:${hashOf({ template: normalTemplate(templateOf(workload)), config })}`,
    references,
  };
};

/** Identity of a live template that no GitSync rendered: `live1:<sha256>`, the same before and after a restart. */
export const liveDigest = (template: unknown): string => `live1:${hashOf(normalTemplate(template))}`;

/** HMAC for Secrets, plain hash for ConfigMaps; `stringData` counts as the `data` it becomes. */
export const contentHash = (config: KubeObject, key: Uint8Array): string => {
  if (config.kind !== 'Secret') return hashOf({ data: config.data, binaryData: config.binaryData });
  return createHmac('sha256', key)
    .update(canonical({ type: config.type, data: dataOf(config) }))
    .digest('hex');
};

const dataOf = (config: KubeObject): Record<string, unknown> => {
  const plain = Object.entries((config.stringData ?? {}) as Record<string, unknown>);
  // Of a custom kind of this name, anything may be in it.
  const encoded = plain.map(([name, value]) => [
    name,
    typeof value === 'string' ? Buffer.from(value).toString('base64') : value,
  ]);
  return { ...(config.data as Record<string, string> | undefined), ...Object.fromEntries(encoded) };
};

/** Whether pods read the same from both, be they rendered, recorded or as the API server has them. */
export const hasSameContent = (a: KubeObject, b: KubeObject): boolean => {
  const [left, right] = [a, b].map((config) => canonical([config.kind, dataOf(config), config.binaryData ?? {}]));
  return left === right;
};

const without = (map: unknown, names: readonly string[]): Record<string, unknown> | undefined => {
  const kept = Object.entries((map ?? {}) as Record<string, unknown>).filter(([name]) => !names.includes(name));
  return kept.length === 0 ? undefined : Object.fromEntries(kept);
};

const normalTemplate = (template: unknown): unknown => {
  const { metadata, spec } = (template ?? {}) as { metadata?: Record<string, unknown>; spec?: unknown };
  const meta = {
    labels: without(metadata?.labels, IGNORED_LABELS),
    annotations: without(metadata?.annotations, IGNORED_ANNOTATIONS),
  };
  return { metadata: meta, spec };
};
