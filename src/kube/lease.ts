import type { KubeObject } from '../api/meta.ts';
import type { Clock } from '../clock.ts';
import { isConflict } from './errors.ts';
import { resources } from './resources.ts';
import type { KubeClient } from './types.ts';

export interface LeaderElection {
  client: KubeClient;
  clock: Clock;
  namespace: string;
  name: string;
  /** Of this process, never shared: the pod's name with a random part. */
  identity: string;
  /** How long a lease that is not renewed keeps others out. */
  leaseMs?: number;
  /** Called when this process leads; its signal is aborted when it no longer may. The promise it returns is awaited. */
  lead: (signal: AbortSignal) => Promise<void>;
  onError?: (error: unknown) => void;
}

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

/**
 * Takes part in the election until the signal is aborted, then gives the lease up. Whether a foreign lease has run out
 * is measured by this process's own clock from the moment it last saw it change, so clocks need not agree. Leading ends
 * at two thirds of the lease without a renewal: before anybody else may begin.
 */
export const runLeaderElection = async (options: LeaderElection, signal: AbortSignal): Promise<void> => {
  const { client, clock, identity, leaseMs = 15_000 } = options;
  const name = { namespace: options.namespace, name: options.name };
  const retryMs = leaseMs / 6;
  let seen = { record: '', at: clock.now() };
  let leading: { abort: AbortController; done: Promise<void> } | undefined;
  let renewedAt = 0;

  const specNow = (previous: LeaseSpec | undefined): LeaseSpec => {
    const now = new Date(clock.now()).toISOString().replace('Z', '000Z'); // MicroTime
    const mine = previous?.holderIdentity === identity;
    return {
      holderIdentity: identity,
      leaseDurationSeconds: Math.ceil(leaseMs / 1000),
      acquireTime: mine ? (previous.acquireTime ?? now) : now,
      renewTime: now,
      leaseTransitions: (previous?.leaseTransitions ?? 0) + (mine ? 0 : 1),
    };
  };

  /** True when this process holds the lease after the try. */
  const tryOnce = async (): Promise<boolean> => {
    const lease = await client.get<Lease>(resources.leases, name);
    if (!lease) {
      const fresh: Lease = {
        apiVersion: 'coordination.k8s.io/v1',
        kind: 'Lease',
        metadata: name,
        spec: specNow(undefined),
      };
      await client.create(resources.leases, fresh);
      return true;
    }
    const record = `${lease.spec?.holderIdentity} ${lease.spec?.renewTime}`;
    if (record !== seen.record) seen = { record, at: clock.now() };
    const holder = lease.spec?.holderIdentity ?? '';
    const lasts = (lease.spec?.leaseDurationSeconds ?? leaseMs / 1000) * 1000;
    if (holder !== '' && holder !== identity && clock.now() < seen.at + lasts) return false;
    await client.replace(resources.leases, { ...lease, spec: specNow(lease.spec) });
    return true;
  };

  const stopLeading = async (): Promise<void> => {
    leading?.abort.abort(new Error('no longer the leader'));
    await leading?.done;
    leading = undefined;
  };

  while (!signal.aborted) {
    const before = clock.now();
    try {
      if (await tryOnce()) {
        renewedAt = before; // counted from before the request: the safe side
        if (!leading) {
          const abort = new AbortController();
          leading = { abort, done: options.lead(abort.signal).catch((error) => options.onError?.(error)) };
        }
      } else await stopLeading();
    } catch (error) {
      if (!isConflict(error)) options.onError?.(error);
      else await stopLeading();
    }
    if (leading && clock.now() - renewedAt > (leaseMs * 2) / 3) await stopLeading();
    await clock.sleep(retryMs, signal).catch(() => {});
  }
  if (!leading) return;
  await stopLeading();
  // Given up by hand, so that the next one need not wait for it to run out.
  const lease = await client.get<Lease>(resources.leases, name).catch(() => undefined);
  if (lease?.spec?.holderIdentity === identity) {
    await client.replace(resources.leases, { ...lease, spec: { ...lease.spec, holderIdentity: '' } }).catch(() => {});
  }
};
