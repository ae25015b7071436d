import { type Hold, isRollback } from '../api/hold.ts';
import { acknowledge } from './acknowledge.ts';
import { enforceHold } from './enforce.ts';
import { type FinalizePorts, finalizeHold } from './finalize.ts';
import { ensureFinalizer, hasFinalizer } from './finalizer.ts';
import { effective } from './rules.ts';
import type { EnforcePorts } from './types.ts';

/** Does what the Hold asks for now, whatever was done before. Rejects with KubeError when it is worth another try. */
export const obeyHold = async (hold: Hold, ports: EnforcePorts & FinalizePorts): Promise<void> => {
  if (hold.metadata.deletionTimestamp !== undefined) {
    if (hasFinalizer(hold)) await finalizeHold(hold, ports);
    return;
  }
  if (!isRollback(hold)) return acknowledge(hold, ports);
  const { metadata } = await ensureFinalizer(hold, ports.client);
  for (const rule of effective([{ ...hold, metadata }], ports.list())) await enforceHold(rule, ports);
};
