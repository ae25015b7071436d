import { labels } from '../../api/annotations.ts';
import { keyOf, keyString, type ObjectKey } from '../../api/meta.ts';
import type { Clock } from '../../clock.ts';
import type { KubeClient, ResourceType } from '../../kube/index.ts';
import { type Tool, toolOf } from '../../ssa/tools.ts';

export interface ForeignObjects {
  /**
   * The tool that applies an object which no GitSync owns; undefined when it is not there, or nobody's.
   * @param now the answer may be no older than the question
   */
  toolOf(type: ResourceType, key: ObjectKey, now?: boolean): Promise<Tool | undefined>;
}

/** A list of metadata answers for so long. */
const FRESH_MS = 60_000;
/** More single questions than this about one kind in FRESH_MS: one list costs less. */
const MANY = 20;

interface Known {
  listedAt: number;
  tools: Promise<Map<string, Tool>>;
  asked: number;
}

/**
 * Whose the objects are that we are about to apply for the first time. One paged list of metadata for a kind at first
 * touch, single questions later: not a question for each object of a first sync.
 */
export const createForeignObjects = (client: KubeClient, clock: Clock): ForeignObjects => {
  const kinds = new Map<string, Known>();

  const list = async (type: ResourceType): Promise<Map<string, Tool>> => {
    const { items } = await client.list(type, { metadataOnly: true, labelSelector: `!${labels.sync}` });
    const found = items.flatMap((object): [string, Tool][] => {
      const tool = toolOf(object);
      return tool === undefined ? [] : [[keyString(keyOf(object)), tool]];
    });
    return new Map(found);
  };

  return {
    async toolOf(type, key, now = false) {
      const kind = `${type.group}/${type.kind}`;
      const known = kinds.get(kind);
      const fresh = known !== undefined && clock.now() - known.listedAt < FRESH_MS;
      if (now || (known && !fresh && known.asked < MANY)) {
        if (known) known.asked += 1;
        const object = await client.get(type, key);
        const tool = object && toolOf(object);
        // The list did not know, and is asked again when the sync is tried again.
        if (tool !== undefined) (await known?.tools)?.set(keyString(key), tool);
        return tool;
      }
      if (known && fresh) return (await known.tools).get(keyString(key));
      const listed: Known = { listedAt: clock.now(), tools: list(type), asked: 0 };
      listed.tools.catch(() => kinds.delete(kind));
      kinds.set(kind, listed);
      return (await listed.tools).get(keyString(key));
    },
  };
};

/** For kinds that can't be listed: one question each. */
export const askEachTime = (client: KubeClient): ForeignObjects => ({
  async toolOf(type, key) {
    const object = await client.get(type, key);
    return object && toolOf(object);
  },
});
