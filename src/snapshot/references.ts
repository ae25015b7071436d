import { type KubeObject, keyOf, keyString } from '../api/meta.ts';

export type ConfigKind = 'ConfigMap' | 'Secret';

export interface References {
  configMaps: Set<string>;
  secrets: Set<string>;
}

/** What a reference should say instead; the same name leaves it as it is. */
export type Rename = (kind: ConfigKind, name: string) => string;

const CONTAINER_LISTS = ['containers', 'initContainers', 'ephemeralContainers'];
/** Any of these lists makes a pod spec: operators let people leave out the containers that they fill in themselves. */
const MARKS = ['containers', 'initContainers', 'volumes'];

const inEveryContainer = (kind: ConfigKind, place: string): [ConfigKind, string][] =>
  CONTAINER_LISTS.map((containers) => [kind, `${containers}.*.${place}`]);

/**
 * Every place in which a pod spec of Kubernetes 1.34 can name a ConfigMap or a Secret (1.36 has the same); `*` is each item of a
 * list. There is no other list of them: what is read from a template and what is rewritten in it cannot come apart.
 */
export const REFERENCE_PATHS: readonly (readonly [ConfigKind, string])[] = [
  ['ConfigMap', 'volumes.*.configMap.name'],
  ['ConfigMap', 'volumes.*.projected.sources.*.configMap.name'],
  ['Secret', 'volumes.*.secret.secretName'],
  ['Secret', 'volumes.*.projected.sources.*.secret.name'],
  ['Secret', 'volumes.*.csi.nodePublishSecretRef.name'],
  ['Secret', 'volumes.*.azureFile.secretName'],
  ['Secret', 'volumes.*.cephfs.secretRef.name'],
  ['Secret', 'volumes.*.cinder.secretRef.name'],
  ['Secret', 'volumes.*.flexVolume.secretRef.name'],
  ['Secret', 'volumes.*.iscsi.secretRef.name'],
  ['Secret', 'volumes.*.rbd.secretRef.name'],
  ['Secret', 'volumes.*.scaleIO.secretRef.name'],
  ['Secret', 'volumes.*.storageos.secretRef.name'],
  ['Secret', 'imagePullSecrets.*.name'],
  ...inEveryContainer('ConfigMap', 'env.*.valueFrom.configMapKeyRef.name'),
  ...inEveryContainer('ConfigMap', 'envFrom.*.configMapRef.name'),
  ...inEveryContainer('Secret', 'env.*.valueFrom.secretKeyRef.name'),
  ...inEveryContainer('Secret', 'envFrom.*.secretRef.name'),
];

type Json = Record<string, unknown>;

const isObject = (value: unknown): value is Json =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

/** The value with its members or items changed; the same reference where none of them is another one now. */
const mapMembers = (value: unknown, change: (member: unknown, key: string) => unknown): unknown => {
  if (Array.isArray(value)) {
    const items = value.map((item, index) => change(item, String(index)));
    return items.every((item, index) => item === value[index]) ? value : items;
  }
  if (!isObject(value)) return value;
  const members = Object.entries(value).map(([key, member]) => [key, change(member, key)] as const);
  return members.every(([key, member]) => member === value[key]) ? value : Object.fromEntries(members);
};

/** What is not shaped as the path says is left for the API server to refuse. */
const changeAt = (value: unknown, path: readonly string[], change: (name: string) => string): unknown => {
  const [step, ...rest] = path;
  if (step === undefined) return typeof value === 'string' && value !== '' ? change(value) : value;
  return mapMembers(value, (member, key) =>
    key === step || (step === '*' && Array.isArray(value)) ? changeAt(member, rest, change) : member,
  );
};

const renameInPodSpec = (spec: unknown, rename: Rename): unknown =>
  REFERENCE_PATHS.reduce<unknown>(
    (changed, [kind, place]) => changeAt(changed, place.split('.'), (name) => rename(kind, name)),
    spec,
  );

const isPodSpec = (value: unknown): boolean => isObject(value) && MARKS.some((mark) => Array.isArray(value[mark]));

const renameBelow = (value: unknown, rename: Rename): unknown => {
  const changed = mapMembers(value, (member) => renameBelow(member, rename));
  return isPodSpec(changed) ? renameInPodSpec(changed, rename) : changed;
};

/**
 * The object with the references of its pod specs renamed; itself where nothing changes. Pod specs are known by their
 * shape, wherever they stand: custom resources and ControllerRevisions have them in places of their own.
 */
export const renameReferences = (object: KubeObject, rename: Rename): KubeObject =>
  renameBelow(object, rename) as KubeObject;

/** The names that `visit` hands to its Rename. */
const collect = (visit: (rename: Rename) => unknown): References => {
  const found: References = { configMaps: new Set(), secrets: new Set() };
  visit((kind, name) => {
    (kind === 'ConfigMap' ? found.configMaps : found.secrets).add(name);
    return name;
  });
  return found;
};

/** Names of the ConfigMaps and Secrets that a pod template can be seen to need. */
export const referencesOf = (template: unknown): References =>
  collect((rename) => renameInPodSpec(isObject(template) ? template.spec : undefined, rename));

/** The same of any object: a workload, a pod, a ReplicaSet, or a ControllerRevision with the template of one. */
export const configReferencesIn = (object: KubeObject): References =>
  collect((rename) => renameReferences(object, rename));

export const templateOf = (workload: KubeObject): unknown =>
  isObject(workload.spec) ? workload.spec.template : undefined;

/** The ConfigMaps and Secrets among `rendered` that the workload's template references, in a stable order. */
export const referencedConfig = (workload: KubeObject, rendered: readonly KubeObject[]): KubeObject[] => {
  const { configMaps, secrets } = referencesOf(templateOf(workload));
  return rendered
    .filter((o) => o.apiVersion === 'v1' && (o.metadata.namespace ?? '') === (workload.metadata.namespace ?? ''))
    .filter((o) =>
      (o.kind === 'ConfigMap' ? configMaps : o.kind === 'Secret' ? secrets : undefined)?.has(o.metadata.name),
    )
    .sort((a, b) => (keyString(keyOf(a)) < keyString(keyOf(b)) ? -1 : 1));
};
