import type { Incident } from '../api/incident.ts';
import type { Judge } from './analysis.ts';
import type { Caches } from './caches.ts';
import type { Ask } from './move.ts';
import type { Observation, Refusal } from './observation.ts';
import { observe } from './observe.ts';
import type { Question } from './question.ts';
import { type Step, step } from './step.ts';

export interface LookPorts {
  caches: Caches;
  judge: Judge;
  /** Why the API server did not take the proposed Hold the last time. */
  refusal: Refusal | undefined;
  /** Milliseconds since the epoch. */
  now: number;
}

/** One look at an incident: Prometheus is asked only where the step can't be taken without. Changes nothing. */
export const look = async (incident: Incident, { caches, judge, refusal, now }: LookPorts): Promise<Step> => {
  const { observation, question } = observe(incident, caches, refusal, now);
  const first = step(incident, observation, now);
  if (!first.ask) return first;
  return step(incident, { ...observation, ...(await answerTo(first.ask, question, judge)) }, now);
};

const answerTo = async (ask: Ask, question: Question, judge: Judge): Promise<Partial<Observation>> => {
  if (ask === 'Burning') return { burning: (await judge.isBurning(question)) ?? 'Unknown' };
  const { verdict, caution } = await judge.judge(question);
  return { verdict, caution };
};
