import { z } from 'zod';
import { isReason, type Reason } from '../api/reasons.ts';
import { WORKLOAD_KINDS } from '../api/workload.ts';
import { type KubeClient, resources } from '../kube/index.ts';

/** An alert with this label is a test: it says what it reached, and opens no incident. */
export const TEST_LABEL = 'metricops_test';

const time = z.iso.datetime();
const count = z.object({ count: z.int().min(0), lastTime: time });
const labels = z.record(z.string(), z.string());
const arrival = z.object({
  /** The value of its label metricops_test. */
  id: z.string(),
  time,
  labels,
  /** The workloads that a real alert with these labels would be about. */
  workloads: z.array(z.object({ kind: z.enum(WORKLOAD_KINDS), namespace: z.string(), name: z.string() })),
});
export type TestArrival = z.infer<typeof arrival>;

const deliveries = z.object({
  /** Deliveries that were answered 200. */
  accepted: count.optional().catch(undefined),
  /** Those that were refused and that Alertmanager does not repeat, by code; and TooManyIncidents, which it repeats. */
  refused: z.record(z.string(), count).catch({}),
  /** Alerts that matched no workload, with the labels of the last one. */
  unmatched: count.extend({ labels }).optional().catch(undefined),
  /** Test alerts, oldest first. */
  tests: z.array(arrival).catch([]),
});
/** What became of Alertmanager's deliveries, of all replicas and through restarts. */
export type Deliveries = z.infer<typeof deliveries>;

export const NO_DELIVERIES: Deliveries = { refused: {}, tests: [] };

const NAME = 'metricops-deliveries';
const KEY = 'deliveries.json';
const MAX_TESTS = 20;

/** The account in the namespace of metricops; nothing was delivered where there is none. Rejects with KubeError. */
export const readDeliveries = async (client: KubeClient, namespace: string): Promise<Deliveries> =>
  (await readStored(client, namespace)).deliveries;

const readStored = async (client: KubeClient, namespace: string) => {
  const object = await client.get(resources.configMaps, { namespace, name: NAME });
  return { object, deliveries: parse((object?.data as Record<string, string> | undefined)?.[KEY]) };
};

/** A text that somebody changed by hand counts as far as it can be read. */
const parse = (text: string | undefined): Deliveries => {
  if (text === undefined) return NO_DELIVERIES;
  try {
    return deliveries.catch(NO_DELIVERIES).parse(JSON.parse(text));
  } catch {
    return NO_DELIVERIES;
  }
};

/** Adds what came since to the stored account. Rejects with KubeError: 409 where another replica was faster. */
export const addDeliveries = async (client: KubeClient, namespace: string, more: Deliveries): Promise<void> => {
  const { object, deliveries: before } = await readStored(client, namespace);
  const data = { [KEY]: JSON.stringify(together(before, more)) };
  if (object) await client.replace(resources.configMaps, { ...object, data });
  else {
    const metadata = { namespace, name: NAME, labels: { 'app.kubernetes.io/name': 'metricops' } };
    await client.create(resources.configMaps, { apiVersion: 'v1', kind: 'ConfigMap', metadata, data });
  }
};

/** Both accounts as one; what is later counts as the last. */
export const together = (a: Deliveries, b: Deliveries): Deliveries => {
  const codes = new Set([...Object.keys(a.refused), ...Object.keys(b.refused)]);
  const accepted = sum(a.accepted, b.accepted);
  const unmatched = sum(a.unmatched, b.unmatched);
  return {
    ...(accepted ? { accepted } : {}),
    refused: Object.fromEntries(
      [...codes].flatMap((code) => {
        const both = sum(a.refused[code], b.refused[code]);
        return both ? [[code, both]] : [];
      }),
    ),
    ...(unmatched ? { unmatched } : {}),
    tests: [...a.tests, ...b.tests].slice(-MAX_TESTS),
  };
};

const sum = <T extends z.infer<typeof count>>(a: T | undefined, b: T | undefined): T | undefined => {
  if (!a || !b) return a ?? b;
  const last = Date.parse(a.lastTime) > Date.parse(b.lastTime) ? a : b;
  return { ...last, count: a.count + b.count };
};

/** The refusal that came last, where nothing was accepted since. */
export const refusedSince = ({
  accepted,
  refused,
}: Deliveries): { code: Reason; count: number; lastTime: string } | undefined => {
  const last = lastRefused({ refused });
  return last && (!accepted || Date.parse(accepted.lastTime) < Date.parse(last.lastTime)) ? last : undefined;
};

/** The refusal that came last, whatever came since. */
export const lastRefused = ({
  refused,
}: Pick<Deliveries, 'refused'>): { code: Reason; count: number; lastTime: string } | undefined =>
  Object.entries(refused)
    .flatMap(([code, counted]) => (isReason(code) ? [{ code, ...counted }] : []))
    .toSorted((a, b) => Date.parse(b.lastTime) - Date.parse(a.lastTime))[0];
