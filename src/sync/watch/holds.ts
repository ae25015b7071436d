import { labelOfManager } from '../../api/annotations.ts';
import type { GitSync } from '../../api/gitsync.ts';
import { managerOf } from '../../api/gitsync-names.ts';
import type { PlatformPolicySpec } from '../../api/platform-policy.ts';
import {
  createHoldController,
  type HoldController,
  type HoldControllerPorts,
  ROLLBACK_FIRST_MS,
} from '../../holds/index.ts';
import { refusalOfAccount, refusalOfObject } from '../../policy/platform.ts';
import { writerOf } from '../../policy/writer.ts';
import { ignoreRulesFor } from '../../ssa/ignore-rules.ts';
import { messageOf } from '../objects/rights.ts';
import type { Registry } from '../state/registry.ts';

type HoldWatchPorts = Omit<HoldControllerPorts, 'accountOf' | 'onRestored' | 'onChange'> & {
  registry: Registry;
  /** With the platform's defaults. */
  syncOf: (key: string) => GitSync | undefined;
  policy: () => PlatformPolicySpec;
  enqueue: (key: string, delayMs: number) => void;
};

/** Holds, enforced with the rights of the GitSyncs whose objects they are about. */
export const watchHolds = ({ registry, syncOf, policy, enqueue, ...ports }: HoldWatchPorts): HoldController =>
  createHoldController({
    ...ports,
    accountOf(fieldManager) {
      const owner = registry.ownerOf(labelOfManager(fieldManager));
      const sync = owner && syncOf(owner.key);
      return (
        sync && {
          writer: writerOf(sync, ports.client),
          fieldManager: managerOf(sync),
          refusalOf: (object) => (refusalOfAccount(sync, policy()) ?? refusalOfObject(sync, object, policy()))?.message,
          leavesTo: (object) => ignoreRulesFor(sync, object, false).managers,
          wordsOf: messageOf,
        }
      );
    },
    /**
     * The next plan applies it again, which changes nothing, and notes its version. It is another one than the last, also
     * where the Hold is gone before it is made.
     */
    onRestored(sync, key) {
      const state = registry.stateOf(`${sync.namespace}/${sync.name}`);
      state.applied.delete(key);
      delete state.planned;
    },
    onChange(workload) {
      for (const [key, state] of registry.states()) if (state.inventory.has(workload)) enqueue(key, ROLLBACK_FIRST_MS);
    },
  });
