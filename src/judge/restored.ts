import type { MeasuredObjective } from '../api/rollback-policy.ts';
import { ExpressionError, PrometheusError } from '../slo/index.ts';
import { countRestored, leastThreshold } from './by-indicator.ts';
import type { Question, Witness } from './question.ts';
import { percent, percentOf } from './words.ts';

/** What the restored release fails by itself, with as many requests as a verdict needs. */
export interface RestoredRatio {
  /** It burns the budget, by the threshold of the verdict. */
  burns: boolean;
  /** In words, with the figures. */
  message: string;
}

/** Long enough that a moment's failures are no burn; what failed while its pods started is older by then. */
const WINDOW_MS = 300_000;

/**
 * Of the objective that the restored release burns most. undefined where none could be counted: Prometheus has no answer,
 * or there were too few requests.
 */
export const measureRestored = async (
  objectives: readonly MeasuredObjective[],
  question: Question,
  witness: Witness,
): Promise<RestoredRatio | undefined> => {
  const measured = await Promise.all(objectives.map((objective) => measure(objective, question, witness)));
  const worst = measured.flatMap((one) => one ?? []).toSorted((a, b) => b.excess - a.excess)[0];
  return worst && { burns: worst.excess > 1, message: worst.message };
};

const measure = async (
  objective: MeasuredObjective,
  question: Question,
  witness: Witness,
): Promise<{ excess: number; message: string } | undefined> => {
  try {
    const counted = await countRestored(objective, question, witness, WINDOW_MS);
    if (!counted) return undefined;
    const threshold = leastThreshold(objective);
    const message = `${objective.name}: ${percentOf(counted)} fail, the error budget burns above ${percent(threshold)}`;
    return { excess: counted.errors / counted.total / threshold, message };
  } catch (error) {
    if (error instanceof PrometheusError || error instanceof ExpressionError) return undefined;
    throw error;
  }
};
