import { randomUUID } from 'node:crypto';
import type { KubeObject } from '../../src/api/meta.ts';
import { type KubeClient, type ResourceType, resources } from '../../src/kube/index.ts';

/** A kind that nobody has defined before: its CustomResourceDefinition, and the type as it will be served. */
export const newKind = (): { type: ResourceType; definition: KubeObject } => {
  const group = `g${randomUUID().slice(0, 8)}.example.com`;
  const type = { group, version: 'v1', kind: 'Widget', plural: 'widgets', namespaced: false };
  const definition = {
    apiVersion: 'apiextensions.k8s.io/v1',
    kind: 'CustomResourceDefinition',
    metadata: { name: `widgets.${group}` },
    spec: {
      group,
      scope: 'Cluster',
      names: { kind: 'Widget', plural: 'widgets' },
      versions: [{ name: 'v1', served: true, storage: true, schema: { openAPIV3Schema: { type: 'object' } } }],
    },
  };
  return { type, definition };
};

export const removeKind = (client: KubeClient, definition: KubeObject): Promise<void> =>
  client.delete(resources.crds, definition.metadata);
