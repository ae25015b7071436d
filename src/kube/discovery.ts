import { groupOf, versionOf } from '../api/meta.ts';
import type { Clock } from '../clock.ts';
import type { Capabilities, Discovery, KubeClient, ResourceType } from './types.ts';

interface Groups {
  groups?: { name: string; preferredVersion: { version: string }; versions: { version: string }[] }[];
}
interface Resources {
  resources?: { name: string; kind: string; namespaced: boolean; verbs?: string[] }[];
}

/** An unknown kind is asked for at most this often. */
const ASK_AGAIN_MS = 2_000;
/** For so many groups the answer is remembered, also that a group is not served. */
const MAX_ASKED = 1_000;
/** A definition may have been recreated with another scope or plural. */
const MAX_AGE_MS = 300_000;

/**
 * Served kinds. Groups are read one by one when first asked for, so that an aggregated API that does not answer
 * affects only callers that use its kinds.
 */
export const createDiscovery = (client: KubeClient, clock: Clock): Discovery => {
  const answers = new Map<string, { answer: Promise<unknown>; readAt: number }>();
  /** When an unknown kind of a group version last made it be read again. */
  const askedAgainAt = new Map<string, number>();
  let groupsAskedAt = Number.NEGATIVE_INFINITY;
  /** The same object for as long as it says the same: hundreds of texts, which many keep. */
  let capabilities: { of: string; value: Capabilities } | undefined;
  /** By group version, the kinds that were served when it last answered. */
  let kindsBefore: ReadonlyMap<string, string[]> = new Map();

  const read = <T>(path: string): Promise<T> => {
    const known = answers.get(path);
    if (known && clock.now() - known.readAt < MAX_AGE_MS) return known.answer as Promise<T>;
    const fresh = { answer: client.raw('GET', path), readAt: clock.now() };
    answers.set(path, fresh);
    fresh.answer.catch(() => {
      if (answers.get(path) === fresh) answers.delete(path); // next time again
    });
    return fresh.answer as Promise<T>;
  };
  const groupNamed = async (group: string) =>
    ((await read<Groups>('/apis')).groups ?? []).find((g) => g.name === group);

  const lookUp = async (group: string, version: string, kind: string): Promise<ResourceType | undefined> => {
    // Asked of /apis first: a version that is not served would be a 404 each time.
    const served =
      group === '' ? version === 'v1' : (await groupNamed(group))?.versions.some((v) => v.version === version);
    if (!served) return undefined;
    const { resources = [] } = await read<Resources>(pathOf(group, version));
    const found = resources.find((r) => r.kind === kind && !r.name.includes('/')); // with a slash: a subresource
    return found && { group, version, kind, plural: found.name, namespaced: found.namespaced };
  };

  const groupVersions = async (): Promise<{ group: string; version: string }[]> => {
    const { groups = [] } = await read<Groups>('/apis');
    const versions = groups.flatMap(({ name, preferredVersion, versions: others }) =>
      [preferredVersion, ...others].map(({ version }) => ({ group: name, version })),
    );
    return [{ group: '', version: 'v1' }, ...versions];
  };
  /** Without subresources, whose names have a slash; nothing of a group that does not answer. */
  const listed = async (group: string, version: string) => (await listedNow(group, version)) ?? [];
  const listedNow = async (group: string, version: string) => {
    const found = await read<Resources>(pathOf(group, version)).catch(() => undefined);
    return found && (found.resources ?? []).filter(({ name }) => !name.includes('/'));
  };

  const findKind = async (group: string, kind: string): Promise<ResourceType | undefined> => {
    if (group === '') return lookUp('', 'v1', kind);
    const served = await groupNamed(group);
    const versions = [served?.preferredVersion.version, ...(served?.versions ?? []).map((v) => v.version)];
    for (const version of new Set(versions)) {
      const found = version === undefined ? undefined : await lookUp(group, version, kind);
      if (found) return found;
    }
    return undefined;
  };

  /** A kind that is not found may be new: what was read of its group is read again, but not over and over. */
  const orAgain = async (
    group: string,
    find: () => Promise<ResourceType | undefined>,
  ): Promise<ResourceType | undefined> => {
    const found = await find();
    const now = clock.now();
    if (found || now - (askedAgainAt.get(group) ?? 0) < ASK_AGAIN_MS) return found;
    askedAgainAt.delete(group);
    askedAgainAt.set(group, now);
    const [oldest] = askedAgainAt.keys();
    if (askedAgainAt.size > MAX_ASKED && oldest !== undefined) askedAgainAt.delete(oldest);
    forgetGroup(group);
    // The list of groups is everybody's: groups that somebody invents have it read again no oftener than one group
    // would.
    if (now - groupsAskedAt >= ASK_AGAIN_MS) {
      groupsAskedAt = now;
      answers.delete('/apis');
    }
    return find();
  };
  const forgetGroup = (group: string): void => {
    const stale = [...answers.keys()].filter((path) => path.startsWith(pathOf(group, 'v')));
    for (const path of stale) answers.delete(path);
  };

  return {
    find(apiVersion, kind) {
      const group = groupOf(apiVersion);
      return orAgain(group, () => lookUp(group, versionOf(apiVersion), kind));
    },
    findKind: (group, kind) => orAgain(group, () => findKind(group, kind)),
    async all() {
      const types = await Promise.all(
        (await groupVersions()).map(async ({ group, version }): Promise<ResourceType[]> => {
          const found = await listed(group, version);
          return found
            .filter(({ verbs = [] }) => verbs.includes('list'))
            .map(({ name, kind, namespaced }) => ({ group, version, kind, plural: name, namespaced }));
        }),
      );
      // The preferred version comes first.
      return [...Map.groupBy(types.flat(), ({ group, kind }) => `${group}/${kind}`).values()].flatMap(
        ([type]) => type ?? [],
      );
    },
    async capabilities() {
      const { gitVersion } = await read<{ gitVersion: string }>('/version');
      const served = await Promise.all(
        (await groupVersions()).map(async ({ group, version }): Promise<[apiVersion: string, kinds: string[]]> => {
          const apiVersion = group === '' ? version : `${group}/${version}`;
          const now = await listedNow(group, version);
          // One that does not answer serves what it did: charts would be rendered twice each time that it restarts.
          return [apiVersion, now?.map(({ kind }) => kind) ?? kindsBefore.get(apiVersion) ?? []];
        }),
      );
      kindsBefore = new Map(served);
      const names = served.flatMap(([apiVersion, kinds]) => [
        apiVersion,
        ...kinds.map((kind) => `${apiVersion}/${kind}`),
      ]);
      const apiVersions = [...new Set(names)].toSorted();
      const of = JSON.stringify([gitVersion, apiVersions]);
      if (capabilities?.of !== of) capabilities = { of, value: { kubeVersion: gitVersion, apiVersions } };
      return capabilities.value;
    },
    async refresh() {
      answers.clear();
      await read('/apis');
    },
    forget(group) {
      forgetGroup(group);
      answers.delete('/apis');
    },
  };
};

const pathOf = (group: string, version: string): string =>
  group === '' ? `/api/${version}` : `/apis/${group}/${version}`;
