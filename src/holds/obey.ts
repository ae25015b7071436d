import { type Hold, isRollback } from '../api/hold.ts';
import { acknowledge } from './acknowledge.ts';
import { enforceHold } from './enforce.ts';
import { type FinalizePorts, finalizeHold } from './finalize.ts';
import { ensureFinalizer, hasFinalizer } from './finalizer.ts';
import { effective } from './rules.ts';
import type { EnforcePorts } from './types.ts';

/**
 * Does what the Hold asks for now, whatever was done before. Rejects with KubeError when it is worth another try.
 * @returns milliseconds until it is to be looked after again by itself
 */
export const obeyHold = async (hold: Hold, ports: EnforcePorts & FinalizePorts): Promise<number | undefined> => {
  if (hold.metadata.deletionTimestamp !== undefined) {
    if (hasFinalizer(hold)) await finalizeHold(hold, ports);
    return undefined;
  }
  if (!isRollback(hold)) {
    await acknowledge(hold, ports);
    return undefined;
  }
  const { metadata } = await ensureFinalizer(hold, ports.client);
  const [rule] = effective([{ ...hold, metadata }], ports.list());
  return rule && enforceHold(rule, ports);
};
