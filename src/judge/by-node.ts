import type { Measurement } from '../api/incident.ts';
import type { MeasuredObjective } from '../api/rollback-policy.ts';
import { ExpressionError, PrometheusError } from '../slo/index.ts';
import { leastThreshold } from './by-indicator.ts';
import { countsByPod, LIKELY, type PodCounts, spreadOf, type Window } from './by-pod.ts';
import { sumOf } from './course.ts';
import type { Question, Witness } from './question.ts';
import { storedCounts } from './ratio.ts';

/** The pods of another workload, by one of its objectives. */
export interface OtherPods {
  name: string;
  /** The budget burns above it. */
  threshold: number;
  pods: readonly PodCounts[];
}

type ByNode = NonNullable<Measurement['byNode']>;

/** As many as the schema takes. */
const MAX_BY_NODE = 8;

/**
 * What the pods of the other workloads did, two queries for each objective. One that can't be measured is no evidence.
 */
export const podsOfOthers = async (
  window: Window,
  { around, podOf }: Pick<Question, 'around' | 'podOf'>,
  witness: Witness,
): Promise<OtherPods[]> => {
  const ask = async (name: string, objective: MeasuredObjective): Promise<OtherPods[]> => {
    try {
      const counts = await countsByPod(objective, window, witness, podOf);
      return counts ? [{ name, threshold: leastThreshold(objective), pods: namedOf(counts) }] : [];
    } catch (error) {
      if (error instanceof PrometheusError || error instanceof ExpressionError) return [];
      throw error;
    }
  };
  const asked = around.flatMap(({ name, objectives }) => objectives.map((objective) => ask(name, objective)));
  return (await Promise.all(asked)).flat();
};

/** A Deployment's pods of one release have names that differ at their end; those of others say it by a label. */
const namedOf = (counts: ReadonlyMap<string, PodCounts>): PodCounts[] =>
  [...counts].map(([name, pod]) => ({ ...pod, revision: pod.revision ?? name.slice(0, name.lastIndexOf('-')) }));

/** Names of those whose pods burn on these nodes, each of them, while others of them elsewhere are well. */
export const sharingNodes = (others: readonly OtherPods[], nodes: readonly string[]): string[] => {
  const isHere = isOn(nodes);
  const shares = ({ pods, threshold }: OtherPods): boolean => {
    const { burning, well } = spreadOf(pods, threshold, LIKELY);
    return burning.some(isHere) && well.length > 0 && !well.some(isHere);
  };
  return [...new Set(others.filter(shares).map(({ name }) => name))];
};

/**
 * What fails on these nodes and what fails elsewhere, of workloads that have pods on both: of the release that has most
 * requests, for two releases may differ by themselves.
 */
export const byNodeOf = (others: readonly OtherPods[], nodes: readonly string[]): ByNode =>
  others
    .flatMap(({ name, pods }) => {
      const known = pods.filter(({ node }) => node !== undefined);
      const releases = [...Map.groupBy(known, ({ revision }) => revision).values()].flatMap((of) => {
        const [here, elsewhere] = [of.filter(isOn(nodes)), of.filter((pod) => !isOn(nodes)(pod))];
        return here.length > 0 && elsewhere.length > 0 ? [{ here: sumOf(here), elsewhere: sumOf(elsewhere) }] : [];
      });
      const [most] = releases.toSorted(
        (a, b) => sumOf([b.here, b.elsewhere]).total - sumOf([a.here, a.elsewhere]).total,
      );
      return most ? [{ name, here: storedCounts(most.here), elsewhere: storedCounts(most.elsewhere) }] : [];
    })
    .slice(0, MAX_BY_NODE);

const isOn =
  (nodes: readonly string[]) =>
  ({ node }: PodCounts): boolean =>
    node !== undefined && nodes.includes(node);
