import { isSwitchedOn } from '../api/annotation-values.ts';
import { annotations } from '../api/annotations.ts';
import { type KubeObject, keyOf, keyString } from '../api/meta.ts';
import { hashOf } from './canonical.ts';
import { contentHash } from './digest.ts';
import { renameReferences } from './references.ts';

/** Label of each version: the name in Git, as versionedOf() gives it. */
export const VERSIONED_OF = 'metricops.dev/versioned-of';

const HASH_LENGTH = 10;
const MAX_NAME = 253;
const MAX_LABEL = 63;

/**
 * Configuration as a part of releases: annotated ConfigMaps and Secrets get names with a hash of their content, and the
 * pod specs that name them get those names. So a change of configuration is a rollout like any other, a pod of the old
 * release that starts again finds the old configuration, and going back to a template goes back to its configuration.
 *
 * Only pod specs are rewritten, and only within the namespace. Whatever else can name a Secret (TLS of an Ingress or a
 * Gateway, `secrets` and `imagePullSecrets` of a ServiceAccount, a StorageClass, a PersistentVolume, fields that an
 * operator gave another shape) belongs to no release: no rollback takes such a reference back, and nothing would keep
 * the version that it names. Nor are names in arguments, environment values or RBAC rules seen. What is named in such
 * places should not be annotated.
 */
export const withVersionedConfig = (rendered: readonly KubeObject[], key: Uint8Array): KubeObject[] => {
  const names = new Map<string, string>();
  for (const object of rendered.filter(isVersioned)) {
    const hash = contentHash(object, key).slice(0, HASH_LENGTH);
    // A name that ends in the hash of its own content is such a version already.
    if (!object.metadata.name.endsWith(`-${hash}`)) {
      names.set(keyString(keyOf(object)), shortened(object.metadata.name, hash, MAX_NAME));
    }
  }
  if (names.size === 0) return [...rendered]; // most syncs have none, and looking through all of them takes long
  return rendered.map((object) => {
    const name = names.get(keyString(keyOf(object)));
    if (name !== undefined) return asVersion(object, name);
    const namespace = object.metadata.namespace ?? '';
    return renameReferences(
      object,
      (kind, named) => names.get(keyString({ group: '', kind, namespace, name: named })) ?? named,
    );
  });
};

/** The value of the label VERSIONED_OF on every version of the ConfigMap or Secret with this name in Git. */
export const versionedOf = (name: string): string =>
  name.length <= MAX_LABEL ? name : shortened(name, hashOf(name).slice(0, HASH_LENGTH), MAX_LABEL);

const isVersioned = ({ apiVersion, kind, metadata }: KubeObject): boolean =>
  apiVersion === 'v1' && (kind === 'ConfigMap' || kind === 'Secret') && isSwitchedOn(metadata, annotations.versioned);

const asVersion = (object: KubeObject, name: string): KubeObject => ({
  ...object,
  metadata: {
    ...object.metadata,
    name,
    labels: { ...object.metadata.labels, [VERSIONED_OF]: versionedOf(object.metadata.name) },
  },
  ...(object.immutable === false ? {} : { immutable: true }),
});

/** `<name>-<hash>`, its name cut so that all of it has at most `max` characters. */
const shortened = (name: string, hash: string, max: number): string =>
  `${name.slice(0, max - hash.length - 1).replace(/[-.]+$/, '')}-${hash}`;
