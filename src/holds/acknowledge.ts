import type { Hold } from '../api/hold.ts';
import { type Outcome, type StatusPorts, writeStatus } from './status.ts';

/** A Hold that accepts or denies changes no workload: it says that it was seen. */
export const acknowledge = async (hold: Hold, ports: StatusPorts): Promise<void> => {
  if (hold.status?.observedGeneration === hold.metadata.generation) return;
  await writeStatus(hold, outcomeOf(hold), ports);
};

const outcomeOf = ({ spec }: Hold): Outcome =>
  spec.action === 'Accept'
    ? { reason: 'ReleaseAccepted', message: 'the accepted releases are never rejected' }
    : { reason: 'Denied', message: `incident ${spec.incidentRef?.name} ends without a rollback` };
