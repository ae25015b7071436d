import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import { connect, createSecureContext } from 'node:tls';
import { describe, it } from 'mocha';
import type { Clock } from '../../src/clock.ts';
import { resources } from '../../src/kube/index.ts';
import { createMetrics, silentLog } from '../../src/telemetry/index.ts';
import { times } from '../../webhook/certificate-plan.ts';
import { renewed } from '../../webhook/certificate-store.ts';
import { type CertificateKeeper, createCertificateKeeper, reloadCertificates } from '../../webhook/index.ts';
import { useControlPlane } from '../support/cluster.ts';
import { eventually } from '../support/poll.ts';

const NAME = 'metricops-webhook-certs';
const DAY = 86_400_000;

describe('the serving certificates', () => {
  const plane = useControlPlane();
  const ends: (() => unknown)[] = [];
  afterEach(async () => {
    for (const end of ends.splice(0).reverse()) await end();
  });

  /** Shared by the replicas of a test; moved by hand. Sleepers wait for the end. */
  const clockAt = (start: number): Clock & { move(ms: number): void } => {
    let now = start;
    return {
      now: () => now,
      sleep: (_ms, signal) =>
        new Promise((_resolve, reject) => {
          if (signal?.aborted) reject(signal.reason);
          signal?.addEventListener('abort', () => reject(signal.reason));
        }),
      move: (ms) => {
        now += ms;
      },
    };
  };
  const keeper = (namespace: string, clock: Clock): CertificateKeeper => {
    const ports = { client: plane().client, clock, log: silentLog(), metrics: createMetrics() };
    const certificates = createCertificateKeeper(ports, { namespace, name: NAME }, ['localhost', '127.0.0.1']);
    ends.push(() => certificates.stop());
    return certificates;
  };

  it('are the same in all replicas that start at once', async () => {
    const namespace = await plane().namespace('certs');
    const clock = clockAt(Date.now());
    const replicas = Array.from({ length: 4 }, () => keeper(namespace, clock));
    await Promise.all(replicas.map((replica) => replica.ready()));
    await eventually(() => new Set(replicas.map((replica) => replica.current()?.cert)).size === 1);
    await eventually(() => new Set(replicas.map((replica) => replica.current()?.bundle)).size === 1);
  });

  it('reach the replicas that did not renew them', async () => {
    const namespace = await plane().namespace('certs');
    const clock = clockAt(Date.now());
    const [one, two] = [keeper(namespace, clock), keeper(namespace, clock)];
    await Promise.all([one.ready(), two.ready()]);
    clock.move(times.leaf - times.renewLeaf + DAY);
    await one.renew();
    await eventually(() => two.current()?.cert === one.current()?.cert);
  });

  it('come back with the same CA after the Secret was deleted', async () => {
    const namespace = await plane().namespace('certs');
    const certificates = keeper(namespace, clockAt(Date.now()));
    await certificates.ready();
    const before = certificates.current();
    await eventually(async () => {
      // The watch may begin after the deletion: deleted until it was seen.
      await plane().client.delete(resources.secrets, { namespace, name: NAME });
      return eventually(() => plane().client.get(resources.secrets, { namespace, name: NAME }), { timeoutMs: 1000 });
    });
    assert.deepEqual(certificates.current()?.bundle, before?.bundle);
  });

  it('are served from the moment they are there, without a restart', async () => {
    const namespace = await plane().namespace('certs');
    const clock = clockAt(Date.now());
    const certificates = keeper(namespace, clock);
    await certificates.ready();
    const server = createServer();
    ends.push(() => server.close(), reloadCertificates(server, certificates));
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    const { port } = server.address() as AddressInfo;
    const seen = async (options: { ca?: string; rejectUnauthorized?: boolean }): Promise<string> => {
      const socket = connect({ port, host: '127.0.0.1', servername: 'localhost', ...options });
      await once(socket, 'secureConnect');
      const { fingerprint256 } = socket.getPeerCertificate();
      socket.destroy();
      return fingerprint256;
    };
    const first = await seen({ ca: certificates.current()?.bundle ?? '' });
    clock.move(times.leaf - times.renewLeaf + DAY);
    await certificates.renew();
    // The new one begins in the future of this machine's clock: what counts here is which one is served.
    assert.notEqual(await seen({ rejectUnauthorized: false }), first);
  });

  it('are not ready once they have expired and nobody could renew them', async () => {
    const clock = clockAt(Date.now());
    const certificates = keeper(await plane().namespace('certs'), clock);
    await certificates.ready();
    clock.move(times.leaf + DAY);
    assert.equal(certificates.current(), undefined);
  });

  it('come into service where the Secret has the key of another certificate, whoever wrote it', async () => {
    const namespace = await plane().namespace('certs');
    const clock = clockAt(Date.now());
    const first = keeper(namespace, clock);
    await first.ready();
    await first.stop();
    const other = await renewed(undefined, ['localhost', '127.0.0.1'], clock.now());
    const spoil = async (field: string, value: string): Promise<void> => {
      const body = { data: { [field]: Buffer.from(value).toString('base64') } };
      await plane().client.patch(resources.secrets, { namespace, name: NAME }, { type: 'merge', body });
    };
    await spoil('tls.key', other.leaf.key);
    const second = keeper(namespace, clock);
    const taken: string[] = [];
    second.onChange(() => {
      throw new Error('a server that does not take it');
    });
    second.onChange(({ cert, key }) => {
      createSecureContext({ cert, key });
      taken.push(cert);
    });
    await second.ready();
    assert.equal(taken.length, 1);
    // While it runs, too: what does not fit is replaced and never served.
    await spoil('tls.key', other.leaf.key);
    await eventually(() => taken.length === 2);
    await spoil('ca.key', other.ca.key);
    await second.renew();
    await eventually(() => second.current()?.bundle.includes(first.current()?.bundle ?? 'none'));
  });
});
