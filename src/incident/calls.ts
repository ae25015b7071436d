import type { ServiceGraphSource } from '../api/platform-policy.ts';
import { WORKLOAD_KINDS, type WorkloadKey, type WorkloadKind } from '../api/workload.ts';
import type { Clock } from '../clock.ts';
import type { WatchCache } from '../kube/index.ts';
import type { PlatformPolicyWatch } from '../policy/platform-policy.ts';
import { type Call, callsOf, callsQuery, PrometheusError, type QueriesOf } from '../slo/index.ts';
import type { Log } from '../telemetry/index.ts';

/** Who calls whom, as metrics of a mesh or of traces showed it last. */
export interface Calls {
  /** What a workload calls, as far as that is a workload. */
  of(caller: WorkloadKey): readonly WorkloadKey[];
  /**
   * Asks again where the namespace was not asked about in the last minutes: one query. Never rejects: without an answer
   * what was known stays.
   *
   * @returns whether something may be known now that was not before
   */
  refresh(namespace: string): Promise<boolean>;
}

/** Calls change with releases; incidents are judged every few seconds. */
const FRESH_MS = 300_000;
const MAX_NAMESPACES = 256;

interface Known {
  askedAt: number;
  source: ServiceGraphSource;
  asking: Promise<void> | undefined;
  calls: readonly Call[];
}

export const createCalls = ({
  queries,
  workloads,
  platform,
  clock,
  log,
}: {
  workloads: Record<WorkloadKind, WatchCache>;
  platform: Pick<PlatformPolicyWatch, 'current'>;
  queries: QueriesOf | undefined;
  clock: Pick<Clock, 'now'>;
  log: Pick<Log, 'warn'>;
}): Calls => {
  const known = new Map<string, Known>();

  const ask = async (source: Exclude<ServiceGraphSource, 'None'>, namespace: string, of: Known): Promise<void> => {
    try {
      const names = WORKLOAD_KINDS.flatMap((kind) =>
        workloads[kind].list(namespace).map(({ metadata }) => metadata.name),
      );
      const samples = (await queries?.(namespace).query(callsQuery(source, namespace, names), clock.now())) ?? [];
      of.calls = callsOf(source, namespace, samples);
    } catch (err) {
      if (!(err instanceof PrometheusError)) throw err;
      log.warn({ err, namespace, serviceGraph: source }, 'service graph not read');
    } finally {
      of.asking = undefined;
    }
  };

  return {
    of({ namespace, name }) {
      const found = known.get(namespace);
      if (!found || found.source !== platform.current().rollback.serviceGraph) return [];
      return found.calls
        .filter(({ caller, callee }) => caller === name && !(callee.name === name && callee.namespace === namespace))
        .flatMap(
          ({ callee }) =>
            WORKLOAD_KINDS.map((kind) => ({ kind, ...callee })).find((key) => workloads[key.kind].get(key)) ?? [],
        );
    },
    async refresh(namespace) {
      const { serviceGraph: source } = platform.current().rollback;
      if (source === 'None' || !queries) return false;
      const found = known.get(namespace);
      if (found?.asking) {
        await found.asking;
        return true;
      }
      if (found?.source === source && clock.now() - found.askedAt < FRESH_MS) return false;
      const next: Known = { askedAt: clock.now(), source, asking: undefined, calls: found?.calls ?? [] };
      known.delete(namespace);
      known.set(namespace, next); // asked longest ago is first
      const [oldest] = known.keys();
      if (known.size > MAX_NAMESPACES && oldest !== undefined) known.delete(oldest);
      next.asking = ask(source, namespace, next);
      await next.asking;
      return true;
    },
  };
};
