import { type Reason, reasons } from '../api/reasons.ts';
import { isTerminating } from '../kube/index.ts';
import { TokenError, type TokenReason } from './token.ts';
import type { RecordAnswer } from './types.ts';
import { KeysUnavailable } from './verifier.ts';

type Refusal = Extract<RecordAnswer, { code: Reason }>;

/** A valid token of the wrong kind is forbidden; any other is no authentication at all. */
const FORBIDDEN: readonly TokenReason[] = ['TokenNotBoundToPod', 'TokenWrongAudience'];
/** Watches are behind by milliseconds. */
const SOON_S = 2;
/** A pod of a release that was over before recording began never gets another answer. */
const LATER_S = 300;

export const refusal = (status: Refusal['status'], code: Reason, message: string = reasons[code].means): Refusal => ({
  status,
  code,
  message,
});

export const ownerUnknown = (): Refusal => ({
  ...refusal(202, 'PodNotFound', 'The owners of the pod are not known yet.'),
  retryAfterSeconds: SOON_S,
});

export const releaseUnknown = (): Refusal => ({
  ...refusal(202, 'NoHistory', 'The pod is of an older release, which was not recorded.'),
  retryAfterSeconds: LATER_S,
});

/** Nothing can be stored there any more, and the pod goes, too. */
export const namespaceEnds = (): Refusal => ({
  ...refusal(202, 'NoHistory', 'The namespace of the pod is being deleted.'),
  retryAfterSeconds: LATER_S,
});

/** The answer to a report that failed. Nothing of the token is in it. */
export const refusalOf = (error: unknown): Refusal => {
  if (error instanceof TokenError) {
    return refusal(FORBIDDEN.includes(error.reason) ? 403 : 401, error.reason, error.message);
  }
  if (error instanceof KeysUnavailable)
    return { ...refusal(503, 'StorageUnavailable', error.message), retryAfterSeconds: 5 };
  if (isTerminating(error)) return namespaceEnds();
  return { ...refusal(503, 'StorageUnavailable'), retryAfterSeconds: 5 };
};
