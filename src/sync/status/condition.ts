import type { ConditionInput } from '../../api/conditions.ts';
import type { Reason } from '../../api/reasons.ts';

export const yes = (type: string, reason: Reason, message: string): ConditionInput => ({
  type,
  status: true,
  reason,
  message,
});
export const no = (type: string, reason: Reason, message: string): ConditionInput => ({
  type,
  status: false,
  reason,
  message,
});

/** Of one object's words in the message, which has room for five. */
const PROBLEM_MAX = 700;

export const cut = (text: string): string => (text.length <= PROBLEM_MAX ? text : `${text.slice(0, PROBLEM_MAX)}…`);
