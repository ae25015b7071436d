import type { Counter } from '../counters.ts';
import type { Random } from '../random.ts';
import type { World } from '../world.ts';

/** An incident that nobody here made. */
export interface Given {
  /** Of its file or folder. */
  name: string;
  /** Its guilt is what truth says. */
  world: World;
  /** What Prometheus scraped. */
  counters(random: Random): Counter[];
  /** As its author calls a release. */
  releaseName(service: string, number: number): string;
}

/** What a person gave is not as it should be: the message says where. */
export class InputError extends Error {}
