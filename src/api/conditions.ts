import type { Condition } from './common.ts';
import type { Reason } from './reasons.ts';

export interface ConditionInput {
  type: string;
  /** Unknown: it could not be found out. */
  status: boolean | 'Unknown';
  reason: Reason;
  message: string;
}

/** The conditions with the given ones set. The transition time moves only when a status changes; so does the object. */
export const withConditions = (
  existing: readonly Condition[],
  inputs: readonly ConditionInput[],
  { now, generation }: { now: number; generation: number | undefined },
): Condition[] => {
  const result = new Map(existing.map((c) => [c.type, c]));
  for (const { type, status, reason, message } of inputs) {
    const before = result.get(type);
    const text = status === 'Unknown' ? status : status ? 'True' : 'False';
    result.set(type, {
      type,
      status: text,
      reason,
      message: message.slice(0, 4000),
      lastTransitionTime: before?.status === text ? before.lastTransitionTime : new Date(now).toISOString(),
      ...(generation === undefined ? {} : { observedGeneration: generation }),
    });
  }
  return [...result.values()];
};

export const conditionIs = (
  conditions: readonly Pick<Condition, 'type' | 'status'>[] | null | undefined,
  type: string,
  status: 'True' | 'False',
): boolean => conditions?.some((c) => c.type === type && c.status === status) ?? false;

/** The condition of an object; undefined where the object has none of this type. */
export const conditionOf = (
  object: { status?: { conditions?: readonly Condition[] | undefined } | undefined },
  type: string,
): Condition | undefined => object.status?.conditions?.find((condition) => condition.type === type);

/** The message of a condition that says something only while it is True. */
export const messageWhileTrue = (object: Parameters<typeof conditionOf>[0], type: string): string | undefined => {
  const condition = conditionOf(object, type);
  return condition?.status === 'True' ? condition.message : undefined;
};
