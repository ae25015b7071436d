import { isSwitchedOn } from '../../api/annotation-values.ts';
import { annotations } from '../../api/annotations.ts';
import { describeKey, groupOf, type KubeObject, keyOf, parseKey } from '../../api/meta.ts';
import type { Reason } from '../../api/reasons.ts';
import { apiVersionOf, type Discovery, isNoMatch, isRejected, KubeError } from '../../kube/index.ts';
import type { PlannedObject } from '../plan/types.ts';
import { isMissingRight, messageOf } from './rights.ts';

export interface ApplyProblem {
  key: string;
  reason: Reason;
  message: string;
  /** Trying the same again is useless until something changes. */
  permanent: boolean;
}

/** One object's failure, in words; what is no answer of the API server is not the object's, and is thrown again. */
export const problemOf =
  (planned: PlannedObject, discovery: Discovery) =>
  async (error: unknown): Promise<ApplyProblem> => {
    if (!(error instanceof KubeError)) throw error;
    const { key, object } = planned;
    if (isNoMatch(error)) {
      discovery.forget(groupOf(object.apiVersion));
      return unknownKind(planned, discovery);
    }
    const message = `${describeKey(keyOf(object))}: ${wordsOn(object, error)}`;
    // A namespace or definition that ends, ends some day, and may then be made again.
    const terminating = /(is being terminated|definition is terminating)/.test(error.message);
    return { key, reason: 'ObjectRejected', message, permanent: isRejected(error) && !terminating };
  };

/** The API server, and every webhook, may quote what it refuses. */
const wordsOn = ({ metadata }: KubeObject, error: KubeError): string => {
  if (!isSwitchedOn(metadata, annotations.holdsSecret) || isMissingRight(error)) return messageOf(error);
  const why = 'why is not shown, for it holds the value of a Secret and the answer may quote it';
  return `the API server refuses it with ${error.status} ${error.reason}; ${why}`;
};

/** Versions come and go between releases of Kubernetes: the one that is served now is named. */
export const unknownKind = async ({ key, object }: PlannedObject, discovery: Discovery): Promise<ApplyProblem> => {
  const { apiVersion, kind } = object;
  const other = await discovery.findKind(groupOf(apiVersion), kind).catch(() => undefined);
  const served = other && apiVersionOf(other) !== apiVersion ? `, but in ${apiVersionOf(other)}` : '';
  const message = `${describeKey(keyOf(object))}: the API server serves no ${kind} in ${apiVersion}${served}`;
  return { key, reason: 'NoKindMatch', message, permanent: false };
};

export const notAdopted = ({ key }: PlannedObject, message: string): ApplyProblem => ({
  key,
  reason: 'AdoptionRequired',
  message,
  permanent: true,
});

export const ownedByAnother = ({ key, object }: PlannedObject, owner: string): ApplyProblem => ({
  key,
  reason: 'OwnedByAnother',
  message: `${describeKey(keyOf(object))} belongs to GitSync ${owner.replace('.', '/')}`,
  permanent: true,
});

/** What could not be deleted; undefined where its kind is gone, and it with it. */
export const pruneFailed =
  (key: string) =>
  (error: unknown): ApplyProblem | undefined => {
    if (!(error instanceof KubeError)) throw error;
    if (isNoMatch(error)) return undefined;
    return {
      key,
      reason: 'PruneFailed',
      message: `${describeKey(parseKey(key))}: ${messageOf(error)}`,
      permanent: false,
    };
  };
