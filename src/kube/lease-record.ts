import type { KubeObject } from '../api/meta.ts';
import { resources } from './resources.ts';
import type { KubeClient } from './types.ts';

interface LeaseSpec {
  holderIdentity?: string | null;
  leaseDurationSeconds?: number;
  acquireTime?: string;
  renewTime?: string;
  leaseTransitions?: number;
}
interface Lease extends KubeObject {
  spec?: LeaseSpec;
}

export interface LeaseRecord {
  /**
   * Takes or renews the lease: true when this identity holds it afterwards, false when another does. `waitedMs` is how
   * much time has surely passed since the last call; a foreign lease has run out when it stayed the same for as long as
   * it lasts, added up from these. No wall clock is compared, neither another machine's nor one that was set.
   */
  take(waitedMs: number): Promise<boolean>;
  /** So that the next one need not wait for it to run out. */
  release(): Promise<void>;
}

export const createLeaseRecord = (options: {
  client: KubeClient;
  namespace: string;
  name: string;
  identity: string;
  leaseMs: number;
  now: () => number;
}): LeaseRecord => {
  const { client, identity, leaseMs, now } = options;
  const name = { namespace: options.namespace, name: options.name };
  let seen = { record: '', unchangedMs: 0 };

  const specNow = (previous: LeaseSpec | undefined): LeaseSpec => {
    const time = new Date(now()).toISOString().replace('Z', '000Z'); // MicroTime
    const mine = previous?.holderIdentity === identity;
    return {
      holderIdentity: identity,
      leaseDurationSeconds: Math.ceil(leaseMs / 1000),
      acquireTime: mine ? (previous.acquireTime ?? time) : time,
      renewTime: time,
      leaseTransitions: (previous?.leaseTransitions ?? 0) + (mine ? 0 : 1),
    };
  };
  const isFree = (spec: LeaseSpec | undefined, waitedMs: number): boolean => {
    const holder = spec?.holderIdentity ?? '';
    const record = `${holder} ${spec?.renewTime}`;
    seen = { record, unchangedMs: record === seen.record ? seen.unchangedMs + waitedMs : 0 };
    const lastsMs = (spec?.leaseDurationSeconds ?? leaseMs / 1000) * 1000;
    return holder === '' || holder === identity || seen.unchangedMs >= lastsMs;
  };

  return {
    async take(waitedMs) {
      const lease = await client.get<Lease>(resources.leases, name);
      if (!lease) {
        const fresh = { apiVersion: 'coordination.k8s.io/v1', kind: 'Lease', metadata: name, spec: specNow(undefined) };
        await client.create<Lease>(resources.leases, fresh);
        return true;
      }
      if (!isFree(lease.spec, waitedMs)) return false;
      await client.replace(resources.leases, { ...lease, spec: specNow(lease.spec) });
      return true;
    },
    async release() {
      const lease = await client.get<Lease>(resources.leases, name);
      if (lease?.spec?.holderIdentity !== identity) return;
      await client.replace(resources.leases, { ...lease, spec: { ...lease.spec, holderIdentity: '' } });
    },
  };
};
