import { choiceOf } from './annotation-values.ts';
import { annotations } from './annotations.ts';
import type { KubeObject } from './meta.ts';

const APPLY_RULES = ['CreateOnly', 'Ignore', 'ForceReplace'] as const;

/** What Git says of how to apply the object; undefined: in the ordinary way. */
export const applyRuleOf = ({ metadata }: KubeObject): (typeof APPLY_RULES)[number] | undefined =>
  choiceOf(metadata, annotations.apply, APPLY_RULES);
