import type { GitSync } from '../../api/gitsync.ts';
import { keyOfSync } from '../../api/gitsync-names.ts';
import type { ConfigTexts } from '../render/config-texts.ts';
import type { DecryptionReader } from '../render/decryption.ts';

export interface ConfigWatchPorts {
  configs: Pick<ConfigTexts, 'onChange'>;
  decryption: Pick<DecryptionReader, 'onChange'>;
  syncs: () => readonly GitSync[];
  enqueue: (key: string) => void;
}

/** A ConfigMap or Secret with variables, values or keys changed: the GitSyncs that name it are rendered again. */
export const watchConfigs = ({ configs, decryption, syncs, enqueue }: ConfigWatchPorts): void => {
  const changed = (namespace: string, isFrom: (spec: GitSync['spec']) => boolean): void => {
    for (const sync of syncs()) {
      if (sync.metadata.namespace !== namespace || sync.spec.suspend) continue;
      if (isFrom(sync.spec)) enqueue(keyOfSync(sync));
    }
  };
  configs.onChange((kind, { namespace, name }) =>
    changed(namespace, ({ postBuild, render }) => {
      const from = [...(postBuild?.substituteFrom ?? []), ...(render?.helm?.valuesFrom ?? [])];
      return from.some((each) => each.kind === kind && each.name === name);
    }),
  );
  decryption.onChange(({ namespace, name }) => changed(namespace, (spec) => spec.decryption?.secretRef?.name === name));
};
