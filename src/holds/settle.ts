import { type StatusPorts, writeStatus } from './status.ts';
import type { Matched } from './types.ts';

/** Holds say what a plan that was carried out made of them: dormant, or in force again. */
export const settleHolds = async ({ held, passed }: Matched, ports: StatusPorts): Promise<void> => {
  for (const { hold, digest } of passed) {
    if (hold.metadata.deletionTimestamp !== undefined) continue;
    if (hold.status?.phase === 'Dormant' && hold.status.currentDigest === digest) continue;
    const message = 'a release that is not rejected was applied';
    await writeStatus(hold, { phase: 'Dormant', reason: 'Dormant', message, digest }, ports);
  }
  for (const { hold } of held.filter((h) => h.hold.status?.phase === 'Dormant')) {
    const { release, sourceDigest: digest } = hold.spec.target;
    const message = `a rejected release came back; release ${release} is applied instead`;
    await writeStatus(hold, { phase: 'Held', reason: 'RolledBack', message, digest }, ports);
  }
};
