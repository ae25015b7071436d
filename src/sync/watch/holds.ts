import { labelOfManager } from '../../api/annotations.ts';
import type { GitSync } from '../../api/gitsync.ts';
import { createHoldController, type HoldController, type HoldControllerPorts } from '../../holds/index.ts';
import { writerOf } from '../../policy/writer.ts';
import type { Registry } from '../state/registry.ts';

type HoldWatchPorts = Omit<HoldControllerPorts, 'writerOf' | 'onRestored' | 'onChange'> & {
  registry: Registry;
  /** With the platform's defaults. */
  syncOf: (key: string) => GitSync | undefined;
  enqueue: (key: string) => void;
};

/** Holds, enforced with the rights of the GitSyncs whose objects they are about. */
export const watchHolds = ({ registry, syncOf, enqueue, ...ports }: HoldWatchPorts): HoldController =>
  createHoldController({
    ...ports,
    writerOf(fieldManager) {
      const owner = registry.ownerOf(labelOfManager(fieldManager));
      const sync = owner && syncOf(owner.key);
      return sync ? writerOf(sync, ports.client) : ports.client;
    },
    /** The next plan applies them again, which changes nothing, and notes their versions. */
    onRestored(sync, keys) {
      const state = registry.stateOf(`${sync.namespace}/${sync.name}`);
      for (const key of keys) state.applied.delete(key);
    },
    onChange(workload) {
      for (const [key, state] of registry.states()) if (state.inventory.has(workload)) enqueue(key);
    },
  });
