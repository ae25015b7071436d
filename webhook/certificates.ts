import { X509Certificate } from 'node:crypto';
import type { KubeObject } from '../src/api/meta.ts';
import type { Clock } from '../src/clock.ts';
import { createWatchCache, isConflict, type KubeClient, resources } from '../src/kube/index.ts';
import type { Log, Metrics } from '../src/telemetry/index.ts';
import {
  bundleOf,
  type Certificates,
  canServe,
  certificatesOf,
  flawOf,
  renewed,
  secretOf,
  validityOf,
} from './certificate-store.ts';

export interface CertificatesPorts {
  client: KubeClient;
  clock: Clock;
  log: Log;
  metrics: Pick<Metrics, 'certificateExpiry'>;
  random?: () => number;
}

/** What a TLS server of ours serves, and the bundle by which it is verified (all PEM). */
export interface Serving {
  cert: string;
  key: string;
  bundle: string;
}

export interface CertificateKeeper {
  /** undefined before the first issue, and when what there is has expired. */
  current(): Serving | undefined;
  /** Called at once when there is something, and at every change. */
  onChange(handler: (serving: Serving) => void): () => void;
  /** Resolves when there is something to serve. */
  ready(): Promise<void>;
  /** Does now what the hourly check would do. */
  renew(): Promise<void>;
  stop(): Promise<void>;
}

const CHECK_MS = 3_600_000;
const RETRY_MS = 5_000;

/**
 * Issues, stores and renews the certificates of our endpoints. Replicas agree through one Secret: every write is a
 * compare-and-set, whoever loses takes what is there.
 */
export const createCertificateKeeper = (
  { client, clock, log, metrics, random = Math.random }: CertificatesPorts,
  where: { namespace: string; name: string },
  /** DNS names (or addresses) of the service. */
  names: readonly string[],
): CertificateKeeper => {
  const secret = `${where.namespace}/${where.name}`;
  const handlers = new Set<(serving: Serving) => void>();
  const stopped = new AbortController();
  const first = Promise.withResolvers<void>();
  first.promise.catch(() => {}); // callers that wait get the error
  let serving: (Serving & { notAfter: number }) | undefined;
  let held: Certificates | undefined;

  const use = (certificates: Certificates): void => {
    held = certificates;
    const { certificate, key } = certificates.leaf;
    const bundle = bundleOf(certificates);
    if (serving?.cert === certificate && serving.key === key && serving.bundle === bundle) return;
    const { notAfter } = validityOf(new X509Certificate(certificate));
    serving = { cert: certificate, key, bundle, notAfter };
    metrics.certificateExpiry.set(notAfter / 1000);
    log.info({ notAfter: new Date(notAfter).toISOString() }, 'serving certificate in use');
    first.resolve();
    for (const handler of handlers) inform(handler, serving);
  };
  /** One server that can't take it leaves the others theirs. */
  const inform = (handler: (serving: Serving) => void, now: Serving): void => {
    try {
      handler(now);
    } catch (error) {
      log.error({ err: error, secret }, 'serving certificate rejected');
    }
  };

  const renew = async (): Promise<void> => {
    for (let tries = 0; tries < 10; tries += 1) {
      const live = await client.get(resources.secrets, where);
      const stored = live && certificatesOf(live);
      const flaw = stored && flawOf(stored, names, clock.now());
      if (flaw !== undefined) log.warn({ secret, flaw }, 'stored certificates are not usable');
      // A Secret that somebody deleted or emptied is written again: what trusts us trusts the CA that we hold.
      const wanted = await renewed(stored ?? held, names, clock.now());
      if (wanted === stored || (await store(wanted, live))) return use(wanted);
    }
    throw new Error(`the Secret ${secret} conflicts on every update: another writer changes it`);
  };

  /** false when another replica was faster. */
  const store = async (certificates: Certificates, before: KubeObject | undefined): Promise<boolean> => {
    try {
      if (before === undefined) await client.create(resources.secrets, secretOf(certificates, where));
      else {
        const { resourceVersion = '' } = before.metadata;
        await client.replace(resources.secrets, secretOf(certificates, { ...where, resourceVersion }));
      }
      return true;
    } catch (error) {
      if (isConflict(error)) return false;
      throw error;
    }
  };

  const run = async (): Promise<void> => {
    while (!stopped.signal.aborted) {
      const failed = await renew().then(
        () => false,
        (error: unknown) => {
          log.error({ err: error, secret }, 'certificate renewal failed');
          return true;
        },
      );
      const pause = failed ? RETRY_MS : CHECK_MS;
      await clock.sleep(pause * (0.75 + random() / 2), stopped.signal).catch(() => {});
    }
  };
  const running = run();

  const watched = createWatchCache(
    client,
    resources.secrets,
    { namespace: where.namespace, fieldSelector: `metadata.name=${where.name}` },
    { clock, random },
  );
  watched.onChange((object) => {
    const certificates = object && certificatesOf(object);
    if (certificates && canServe(certificates, names)) return use(certificates);
    renew().catch((error: unknown) => log.error({ err: error, secret }, 'certificate renewal failed'));
  });

  return {
    current: () => (serving !== undefined && clock.now() < serving.notAfter ? serving : undefined),
    onChange(handler) {
      handlers.add(handler);
      if (serving) inform(handler, serving);
      return () => void handlers.delete(handler);
    },
    ready: () => first.promise,
    renew,
    async stop() {
      stopped.abort();
      first.reject(new Error('the certificates were stopped before they were issued'));
      await Promise.all([running, watched.stop()]);
    },
  };
};
