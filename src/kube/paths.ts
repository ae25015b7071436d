import type { Name, ResourceType } from './types.ts';

export const apiVersionOf = (type: ResourceType): string =>
  type.group === '' ? type.version : `${type.group}/${type.version}`;

export const collectionOf = (type: ResourceType, namespace: string | undefined): string => {
  const root = type.group === '' ? `/api/${type.version}` : `/apis/${type.group}/${type.version}`;
  const scope =
    type.namespaced && namespace !== undefined && namespace !== ''
      ? `/namespaces/${encodeURIComponent(namespace)}`
      : '';
  return `${root}${scope}/${type.plural}`;
};

/** The case of names stays: a ClusterRole may be called MyRole:View. */
export const pathOf = (type: ResourceType, name: Name, subresource?: string): string =>
  `${collectionOf(type, name.namespace)}/${encodeURIComponent(name.name)}${subresource === undefined ? '' : `/${subresource}`}`;
