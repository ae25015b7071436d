import { readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { load, loadAll } from 'js-yaml';
import type { KubeObject } from '../api/meta.ts';

/**
 * Objects that `kustomization.yaml` in the folder installs. It uses nothing of kustomize but `resources`, so that
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

/** What must be there before the rest is applied. */
export const FIRST: readonly string[] = ['Namespace', 'CustomResourceDefinition'];
