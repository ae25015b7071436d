import type { ResourceType } from '../../../src/kube/index.ts';
import { refused } from './refusals.ts';

const VERSION = { major: '1', minor: '34', gitVersion: 'v1.34.4' };
const VERBS = ['get', 'list', 'watch', 'create', 'update', 'patch', 'delete'];

/** What GET answers at the paths by which clients learn which kinds are served. */
export const discover = (types: readonly ResourceType[], method: string, path: string): unknown => {
  if (method === 'GET' && path === '/version') return VERSION;
  if (method === 'GET' && path === '/apis') return { groups: groupsOf(types) };
  const [, group = '', version] = /^\/(?:api|apis\/([^/]+))\/([^/]+)$/.exec(path) ?? [];
  const served = types.filter((type) => type.group === group && type.version === version);
  if (method !== 'GET' || served.length === 0) throw refused(404, 'HTTP404', '404 page not found');
  return {
    resources: served.map(({ plural, kind, namespaced }) => ({ name: plural, kind, namespaced, verbs: VERBS })),
  };
};

const groupsOf = (types: readonly ResourceType[]): object[] => {
  const groups = Map.groupBy(types, ({ group }) => group);
  groups.delete('');
  return [...groups].map(([name, of]) => {
    const versions = [...new Set(of.map(({ version }) => version))].map((version) => ({ version }));
    return { name, versions, preferredVersion: versions[0] };
  });
};
