import { describeKey, type KubeObject, keyOf } from '../api/meta.ts';
import { ReasonError } from '../api/reason-error.ts';
import type { Reason } from '../api/reasons.ts';
import { asSecretHolder, RATHER } from './secret-holder.ts';

/** The object, marked as one that holds the value of a Secret. Throws ReasonError where it would be recorded. */
export const marked = (object: KubeObject, reason: Reason): KubeObject => {
  const holder = asSecretHolder(object);
  if (holder) return holder;
  const what = `${describeKey(keyOf(object))} would hold the value of a Secret, and is recorded with its releases`;
  throw new ReasonError(reason, `${what}: ${RATHER}`);
};
