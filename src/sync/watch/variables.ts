import type { GitSync } from '../../api/gitsync.ts';
import { keyOfSync } from '../../api/gitsync-names.ts';
import type { VariablesReader } from '../render/variables.ts';

export interface VariableWatchPorts {
  variables: Pick<VariablesReader, 'onChange'>;
  syncs: () => readonly GitSync[];
  enqueue: (key: string) => void;
}

/** A ConfigMap or Secret with variables changed: the GitSyncs that name it are rendered again. */
export const watchVariables = ({ variables, syncs, enqueue }: VariableWatchPorts): void =>
  variables.onChange((kind, { namespace, name }) => {
    for (const sync of syncs()) {
      if (sync.metadata.namespace !== namespace || sync.spec.suspend) continue;
      const from = sync.spec.postBuild?.substituteFrom ?? [];
      if (from.some((each) => each.kind === kind && each.name === name)) enqueue(keyOfSync(sync));
    }
  });
