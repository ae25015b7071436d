import type { GitSync } from '../../api/gitsync.ts';
import { keyOfSync } from '../../api/gitsync-names.ts';
import type { ConfigTexts } from '../render/config-texts.ts';

export interface ConfigWatchPorts {
  configs: Pick<ConfigTexts, 'onChange'>;
  syncs: () => readonly GitSync[];
  enqueue: (key: string) => void;
}

/** A ConfigMap or Secret with variables or values changed: the GitSyncs that name it are rendered again. */
export const watchConfigs = ({ configs, syncs, enqueue }: ConfigWatchPorts): void =>
  configs.onChange((kind, { namespace, name }) => {
    for (const sync of syncs()) {
      const { postBuild, render, suspend } = sync.spec;
      if (sync.metadata.namespace !== namespace || suspend) continue;
      const from = [...(postBuild?.substituteFrom ?? []), ...(render?.helm?.valuesFrom ?? [])];
      if (from.some((each) => each.kind === kind && each.name === name)) enqueue(keyOfSync(sync));
    }
  });
