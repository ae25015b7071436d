import { groupOf, versionOf } from '../api/meta.ts';
import type { Clock } from '../clock.ts';
import type { Discovery, KubeClient, ResourceType } from './types.ts';

interface Groups {
  groups?: { name: string; preferredVersion: { version: string }; versions: { version: string }[] }[];
}
interface Resources {
  resources?: { name: string; kind: string; namespaced: boolean; verbs?: string[] }[];
}

/** An unknown kind is asked for at most this often. */
const REFRESH_EVERY_MS = 2_000;

/**
 * Served kinds. Groups are read one by one when first asked for, so that an aggregated API that does not answer
 * disturbs nobody but those who use it.
 */
export const createDiscovery = (client: KubeClient, clock: Clock): Discovery => {
  let groups: Promise<Groups> | undefined;
  let readAt = 0;
  const resources = new Map<string, Promise<ResourceType[]>>();

  const readGroups = (): Promise<Groups> => {
    groups ??= client.raw('GET', '/apis').then((answer) => answer as Groups);
    groups.catch(() => {
      groups = undefined; // next time again
    });
    return groups;
  };
  const readVersion = (group: string, version: string): Promise<ResourceType[]> => {
    const path = group === '' ? `/api/${version}` : `/apis/${group}/${version}`;
    const known = resources.get(path);
    if (known) return known;
    const fresh = client
      .raw('GET', path)
      .then((answer) =>
        ((answer as Resources).resources ?? [])
          .filter((r) => !r.name.includes('/'))
          .map((r) => ({ group, version, kind: r.kind, plural: r.name, namespaced: r.namespaced })),
      );
    resources.set(path, fresh);
    fresh.catch(() => resources.delete(path));
    return fresh;
  };
  const forget = (): void => {
    groups = undefined;
    resources.clear();
    readAt = clock.now();
  };
  const isServed = async (group: string, version: string): Promise<boolean> =>
    group === '' ||
    ((await readGroups()).groups ?? []).some((g) => g.name === group && g.versions.some((v) => v.version === version));

  const lookUp = async (apiVersion: string, kind: string): Promise<ResourceType | undefined> => {
    const group = groupOf(apiVersion);
    const version = versionOf(apiVersion);
    if (!(await isServed(group, version))) return undefined;
    return (await readVersion(group, version)).find((r) => r.kind === kind);
  };

  return {
    async find(apiVersion, kind) {
      const found = await lookUp(apiVersion, kind);
      if (found || clock.now() - readAt < REFRESH_EVERY_MS) return found;
      forget();
      return lookUp(apiVersion, kind);
    },
    async findKind(group, kind) {
      if (group === '') return this.find('v1', kind);
      const served = ((await readGroups()).groups ?? []).find((g) => g.name === group);
      const versions = [served?.preferredVersion.version, ...(served?.versions ?? []).map((v) => v.version)];
      for (const version of new Set(versions)) {
        const found = version === undefined ? undefined : await lookUp(`${group}/${version}`, kind);
        if (found) return found;
      }
      return undefined;
    },
    async refresh() {
      forget();
      await readGroups();
    },
  };
};
