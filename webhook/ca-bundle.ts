import type { KubeObject } from '../src/api/meta.ts';
import type { Occurred } from '../src/api/occurrence.ts';
import type { Clock } from '../src/clock.ts';
import { createWatchCache, isConflict, type KubeClient, KubeError, resources } from '../src/kube/index.ts';
import type { Log, Metrics } from '../src/telemetry/index.ts';
import type { CertificateKeeper } from './certificates.ts';

export interface CaBundlePorts {
  client: KubeClient;
  clock: Clock;
  log: Log;
  occurred: Occurred;
  metrics: Pick<Metrics, 'webhookTrusted'>;
  certificates: CertificateKeeper;
}

interface Webhook {
  name: string;
  clientConfig: { caBundle?: string };
}

/** JSON Patch that makes every entry trust the bundle; undefined when nothing differs. */
export const caBundlePatch = (configuration: KubeObject, bundle: string): unknown[] | undefined => {
  const wanted = Buffer.from(bundle).toString('base64');
  const operations = ((configuration.webhooks ?? []) as Webhook[]).flatMap(({ clientConfig }, i) =>
    clientConfig.caBundle === wanted
      ? []
      : [{ op: 'add', path: `/webhooks/${i}/clientConfig/caBundle`, value: wanted }],
  );
  if (operations.length === 0) return undefined;
  return [
    { op: 'test', path: '/metadata/resourceVersion', value: configuration.metadata.resourceVersion },
    ...operations,
  ];
};

const MANAGER = 'metricops-webhook';
/** Also without an event: a watch that is late must not leave the API server without a CA. */
const LOOK_MS = 30_000;
const FIRST_PAUSE_MS = 5_000;
const MAX_PAUSE_MS = 600_000;
/** A writer that overwrites a value of this age is a person, not a controller that competes. */
const CONTEST_MS = 1_800_000;

export interface CaBundleKeeper {
  /** The API server trusts what we serve, in every entry. */
  written(): boolean;
  stop(): Promise<void>;
}

/**
 * Writes caBundle of our MutatingWebhookConfiguration until it is right: at most once in five seconds, and ever more
 * seldom while another writer changes it back, which is named in an Event.
 */
export const keepCaBundle = (ports: CaBundlePorts, name: string): CaBundleKeeper => {
  const { client, clock, log, occurred, metrics, certificates } = ports;
  const watched = createWatchCache(
    client,
    resources.mutatingWebhooks,
    { fieldSelector: `metadata.name=${name}`, keepManagedFields: true },
    { clock, random: Math.random },
  );
  const stopped = new AbortController();
  let woken = new AbortController();
  let last = { bundle: '', at: 0 };
  let pauseMs = FIRST_PAUSE_MS;
  let quietUntil = 0;

  const wanting = (): { configuration: KubeObject; bundle: string; body: unknown[] | undefined } | undefined => {
    const configuration = watched.get({ name });
    const bundle = certificates.current()?.bundle;
    return configuration && bundle ? { configuration, bundle, body: caBundlePatch(configuration, bundle) } : undefined;
  };
  const written = (): boolean => {
    const state = wanting();
    return state !== undefined && state.body === undefined;
  };

  const write = async (body: unknown[], bundle: string): Promise<boolean> => {
    try {
      await client.patch(resources.mutatingWebhooks, { name }, { type: 'json', body }, { fieldManager: MANAGER });
      last = { bundle, at: clock.now() };
      log.info({ configuration: name }, 'caBundle written');
      return true;
    } catch (error) {
      // Another replica was faster; the watch says what there is now.
      if (isConflict(error) || isFailedTest(error)) return true;
      log.error({ err: error, configuration: name, retryInMs: pauseMs }, 'caBundle not written');
      return false;
    }
  };
  const warn = (configuration: KubeObject): void => {
    const manager = otherWriter(configuration);
    log.warn({ configuration: name, manager, pauseMs }, 'caBundle was changed by another writer');
    const message = `${manager} writes caBundle, too: it is written again at most every ${Math.round(pauseMs / 1000)} s. Meanwhile pods may start without the recorder. Take ${name} out of what that writer keeps.`;
    occurred({ regarding: configuration, severity: 'warning', reason: 'CABundleContested', action: 'Trust', message });
  };

  /** Returns in how many milliseconds to look again. */
  const step = async (): Promise<number> => {
    const state = wanting();
    if (state?.body === undefined) return LOOK_MS;
    const now = clock.now();
    if (now < quietUntil) return quietUntil - now;
    const isContested = last.bundle === state.bundle && now - last.at < CONTEST_MS;
    if (isContested) {
      pauseMs = Math.min(pauseMs * 2, MAX_PAUSE_MS);
      warn(state.configuration);
    }
    const isDone = await write(state.body, state.bundle);
    quietUntil = clock.now() + pauseMs;
    if (!isDone) pauseMs = Math.min(pauseMs * 2, MAX_PAUSE_MS);
    else if (!isContested) pauseMs = FIRST_PAUSE_MS;
    return quietUntil - clock.now();
  };
  const run = async (): Promise<void> => {
    while (!stopped.signal.aborted) {
      woken = new AbortController();
      const pause = await step().catch((error: unknown) => {
        log.error({ err: error, configuration: name }, 'checking caBundle failed');
        return FIRST_PAUSE_MS;
      });
      metrics.webhookTrusted.set(written() ? 1 : 0);
      await clock.sleep(pause, AbortSignal.any([stopped.signal, woken.signal])).catch(() => {}); // woken, or stopped
    }
  };
  const running = run();
  const wake = (): void => woken.abort();
  const stops = [watched.onChange(wake), certificates.onChange(wake)];
  return {
    written,
    async stop() {
      stopped.abort();
      for (const stop of stops) stop();
      await Promise.all([running, watched.stop()]);
    },
  };
};

/** The `test` of a JSON Patch that does not hold is answered 422, as what is invalid. */
const isFailedTest = (error: unknown): boolean =>
  error instanceof KubeError && error.status === 422 && /test/i.test(error.message);

interface ManagedFields {
  manager?: string;
  time?: string;
  fieldsV1?: object;
}

/** Who wrote a caBundle last, besides us. */
const otherWriter = ({ metadata }: KubeObject): string => {
  const writers = ((metadata.managedFields ?? []) as ManagedFields[]).filter(
    ({ manager, fieldsV1 }) => manager !== MANAGER && JSON.stringify(fieldsV1 ?? {}).includes('"f:caBundle"'),
  );
  const latest = writers.toSorted((a, b) => (b.time ?? '').localeCompare(a.time ?? ''))[0]?.manager;
  return latest === undefined ? 'Another writer' : `The field manager ${latest}`;
};
