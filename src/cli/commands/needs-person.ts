import type { AwaitsPerson } from '../../read-model/index.ts';
import { nextStepWords } from '../next-step.ts';
import { workloadWords } from '../words.ts';
import { reasonAndMessage } from './incidents.ts';

/** One paragraph each: the message is what counts here, and a table would cut the command off the screen. */
export const needsPersonWords = (found: readonly AwaitsPerson[]): string => found.map(paragraph).join('\n');

const paragraph = (one: AwaitsPerson): string => {
  const { kind, namespace, name, workload } = one;
  const about = workload === undefined ? '' : ` of ${workloadWords(workload)}`;
  return `${kind} ${namespace}/${name}${about}: ${reasonAndMessage(one) ?? 'no reason is given'}\n  → ${nextWords(one)}`;
};

const nextWords = ({ kind, namespace, name, workload, next }: AwaitsPerson): string => {
  if (next !== undefined && workload) return nextStepWords(next, { name, workload });
  if (kind === 'Incident') return `metricops explain ${name} -n ${namespace}`;
  if (kind === 'GitSync') return `metricops sync ${name} -n ${namespace}`;
  const what = workload ? workloadWords(workload) : name;
  return `choose another release: metricops history ${what} -n ${namespace}, then metricops rollback ${what} --to N -n ${namespace}`;
};
