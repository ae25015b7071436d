import { type KubeObject, keyOf, keyString } from '../api/meta.ts';

type Json = Record<string, unknown>;

const object = (value: unknown): Json => (typeof value === 'object' && value !== null ? (value as Json) : {});
const list = (value: unknown): Json[] => (Array.isArray(value) ? value.map(object) : []);
const name = (value: unknown): string[] => (typeof value === 'string' && value !== '' ? [value] : []);

export interface References {
  configMaps: Set<string>;
  secrets: Set<string>;
}

/** Names of the ConfigMaps and Secrets that a pod template can be seen to need: volumes, projected sources, env, envFrom, pull secrets. */
export const referencesOf = (template: unknown): References => {
  const spec = object(object(template).spec);
  const found: References = { configMaps: new Set(), secrets: new Set() };
  for (const volume of list(spec.volumes)) {
    addSource(found, volume, 'secretName');
    for (const source of list(object(volume.projected).sources)) addSource(found, source, 'name');
  }
  for (const container of [...list(spec.initContainers), ...list(spec.containers)]) addEnvironment(found, container);
  for (const pull of list(spec.imagePullSecrets)) for (const n of name(pull.name)) found.secrets.add(n);
  return found;
};

const addEnvironment = (found: References, container: Json): void => {
  for (const env of list(container.env)) {
    const from = object(env.valueFrom);
    for (const n of name(object(from.configMapKeyRef).name)) found.configMaps.add(n);
    for (const n of name(object(from.secretKeyRef).name)) found.secrets.add(n);
  }
  for (const from of list(container.envFrom)) {
    for (const n of name(object(from.configMapRef).name)) found.configMaps.add(n);
    for (const n of name(object(from.secretRef).name)) found.secrets.add(n);
  }
};

/** A volume names its secret by `secretName`, a projected source by `name`. */
const addSource = (found: References, source: Json, secretField: 'secretName' | 'name'): void => {
  for (const n of name(object(source.configMap).name)) found.configMaps.add(n);
  for (const n of name(object(source.secret)[secretField])) found.secrets.add(n);
};

export const templateOf = (workload: KubeObject): unknown => object(workload.spec).template;

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
