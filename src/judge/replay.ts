import type { Verdict } from '../api/incident.ts';
import { combine } from './verdict.ts';
import { weigh } from './weigh.ts';

/**
 * The verdict again, from the numbers that are stored with it: nobody is asked. An objective for which nothing was
 * measured keeps what was found.
 */
export const replay = (verdict: Verdict): Verdict =>
  verdict.objectives === undefined
    ? verdict
    : combine(
        verdict.objectives.map((one) => {
          const { name, query, measured } = one;
          return measured ? { name, ...weigh(measured), ...(query === undefined ? {} : { query }) } : one;
        }),
        verdict.time,
      );
