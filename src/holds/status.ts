import { withConditions } from '../api/conditions.ts';
import type { Hold, HoldStatus } from '../api/hold.ts';
import type { Reason } from '../api/reasons.ts';
import { resources } from '../kube/resources.ts';
import type { HoldPorts } from './enforce.ts';

export type Outcome = { phase: NonNullable<HoldStatus['phase']>; reason: Reason; message: string; digest?: string };

export const writeHoldStatus = async (
  hold: Hold,
  outcome: Outcome,
  { client, clock }: Pick<HoldPorts, 'client' | 'clock'>,
): Promise<void> => {
  const now = clock.now();
  const time = new Date(now).toISOString();
  const held = outcome.phase === 'Held';
  const condition = { type: 'Held', status: held, reason: outcome.reason, message: outcome.message };
  const status: HoldStatus = {
    ...hold.status,
    phase: outcome.phase,
    conditions: withConditions(hold.status?.conditions ?? [], [condition], {
      now,
      generation: hold.metadata.generation,
    }),
    ...(hold.metadata.generation === undefined ? {} : { observedGeneration: hold.metadata.generation }),
    ...(outcome.digest === undefined ? {} : { currentDigest: outcome.digest }),
    ...(held && hold.status?.phase !== 'Held' ? { appliedTime: time } : {}),
    ...(outcome.phase === 'Lifted' && hold.status?.phase !== 'Lifted' ? { liftedTime: time } : {}),
  };
  await client.patch(resources.holds, hold.metadata, { type: 'merge', body: { status } }, { subresource: 'status' });
};
