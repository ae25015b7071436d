import { readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { load, loadAll } from 'js-yaml';
import type { KubeObject } from '../api/meta.ts';
import type { ResourceType } from '../kube/index.ts';

/** What this version installs. The build puts it into the program, the source tree has it in files. */
export interface Manifests {
  /** The namespace and the kinds: applied before everything else, and left where metricops is removed. */
  first: KubeObject[];
  /** What runs, with its rights and settings. */
  rest: KubeObject[];
  /** What the chart or an overlay may have added to it: only removed. */
  additions: KubeObject[];
}

/** Those of a folder with kustomization.yaml and deploy/. */
export const manifestsOf = (root: string): Manifests => ({
  first: readManifests(join(root, 'deploy/first')),
  rest: readManifests(root),
  additions: readManifests(join(root, 'deploy/monitoring')),
});

/** The kinds that this version brings along. */
export const kindsIn = (manifests: readonly KubeObject[]): ResourceType[] =>
  manifests
    .filter(({ kind }) => kind === 'CustomResourceDefinition')
    .map(({ spec }) => {
      const { group, names, scope, versions } = spec as DefinitionSpec;
      const version = versions.find(({ storage }) => storage)?.name ?? '';
      return { group, version, kind: names.kind, plural: names.plural, namespaced: scope === 'Namespaced' };
    });

interface DefinitionSpec {
  group: string;
  names: { kind: string; plural: string };
  scope: 'Namespaced' | 'Cluster';
  versions: { name: string; storage: boolean }[];
}

/**
 * Objects that `kustomization.yaml` in the folder names. It uses nothing of kustomize but `resources`, so that
 * installing needs no binary; a test holds it against `kubectl kustomize`.
 */
export const readManifests = (folder: string): KubeObject[] => {
  const { resources } = load(readFileSync(join(folder, 'kustomization.yaml'), 'utf8')) as { resources: string[] };
  return resources.flatMap((name) => {
    const path = join(folder, name);
    if (statSync(path).isDirectory()) return readManifests(path);
    return loadAll(readFileSync(path, 'utf8')).filter((object): object is KubeObject => object !== null);
  });
};
