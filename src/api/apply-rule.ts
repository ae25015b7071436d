import { choiceOf } from './annotation-values.ts';
import { annotations } from './annotations.ts';
import { isSkipped } from './hooks.ts';
import type { KubeObject } from './meta.ts';

const APPLY_RULES = ['CreateOnly', 'Ignore', 'ForceReplace'] as const;

/** What Git says of how to apply the object; undefined: in the ordinary way. */
export const applyRuleOf = ({ metadata }: KubeObject): (typeof APPLY_RULES)[number] | undefined =>
  choiceOf(metadata, annotations.apply, APPLY_RULES) ?? (isSkipped(metadata) ? 'Ignore' : undefined);

/** Whether it is applied again whenever it changes, so that a rollback may bring an older version back. */
export const isAlwaysApplied = (object: KubeObject): boolean => {
  const rule = applyRuleOf(object);
  return rule !== 'Ignore' && rule !== 'CreateOnly';
};
