import { baselinesOf } from './baselines.ts';
import { FAULTS, type FaultKind, worldOf } from './faults.ts';
import { type NoiseKind, noiseOf } from './noise.ts';
import { unseeable } from './oracle.ts';
import { outcomeOf, type Result } from './outcome.ts';
import { createParse, type Parse } from './promql.ts';
import { createRandom } from './random.ts';
import { countersOf } from './series.ts';
import { runShipped } from './shipped.ts';

export interface Job {
  seed: number;
  noise: NoiseKind;
  /** First incident, and the one after the last. */
  from: number;
  to: number;
}

/** Incidents of a job, one after the other. Those of the same seed, noise and index are the same. */
export const simulate = async (
  { seed, noise, from, to }: Job,
  onResult: (result: Result) => void = () => {},
): Promise<Result[]> => {
  const results: Result[] = [];
  const parse = createParse();
  for (let index = from; index < to; index += 1) {
    const result = await simulateOne({ seed, noise }, index, parse);
    results.push(result);
    onResult(result);
  }
  return results;
};

const simulateOne = async (
  { seed, noise }: Pick<Job, 'seed' | 'noise'>,
  index: number,
  parse: Parse,
): Promise<Result> => {
  // Far from those of the next seed, and of the next incident.
  const random = createRandom(Math.imul(seed + 1, 0x85ebca6b) ^ Math.imul(index + 1, 0xc2b2ae35));
  const kind = FAULTS[index % FAULTS.length] as FaultKind;
  const world = worldOf(kind, random.fork());
  const drawn = random.fork();
  const scatter = noiseOf(noise, random.fork());
  const counters = countersOf(world, drawn, scatter);
  const run = await runShipped(world, counters, random.fork(), { noise: scatter, parse });
  const { anyAlert, newestRelease, twoProportion } = baselinesOf(world, counters, run);
  return {
    index,
    kind,
    effect: world.effect,
    guilty: world.guilt !== undefined,
    outcome: outcomeOf(world, run.rollback),
    unseeable: unseeable(world, counters, run),
    decisionMs:
      run.rollback && run.rollback.at - Math.min(run.evidenceAt ?? run.rollback.at, ...run.alerts.map(({ at }) => at)),
    baselines: {
      anyAlert: outcomeOf(world, anyAlert),
      newestRelease: outcomeOf(world, newestRelease),
      twoProportion: outcomeOf(world, twoProportion),
    },
    recovery: run.recovery,
    words: run.words.join('\n'),
  };
};
