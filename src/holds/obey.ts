import { type Hold, isRollback } from '../api/hold.ts';
import { addFinalizer, hasFinalizer, resources } from '../kube/index.ts';
import { acknowledge } from './acknowledge.ts';
import { enforceHold } from './enforce.ts';
import { type FinalizePorts, finalizeHold } from './finalize.ts';
import { FINALIZER } from './finalizer.ts';
import { effective } from './rules.ts';
import type { EnforcePorts } from './types.ts';

/**
 * Does what the Hold asks for now, whatever was done before. Rejects with KubeError when it is worth another try.
 * @returns milliseconds until it is to be looked after again by itself
 */
export const obeyHold = async (hold: Hold, ports: EnforcePorts & FinalizePorts): Promise<number | undefined> => {
  if (hold.metadata.deletionTimestamp !== undefined) {
    if (hasFinalizer(hold, FINALIZER)) await finalizeHold(hold, ports);
    return undefined;
  }
  if (!isRollback(hold)) {
    await acknowledge(hold, ports);
    return undefined;
  }
  const { metadata } = await addFinalizer(ports.client, resources.holds, hold, FINALIZER);
  const [rule] = effective([{ ...hold, metadata }], ports.list());
  return rule && enforceHold(rule, ports);
};
