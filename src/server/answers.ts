import type { Reason } from '../api/reasons.ts';
import type { RecordAnswer } from '../release/index.ts';
import type { BodyLimits } from './body.ts';
import type { Rate } from './limits.ts';
import type { AlertsAnswer } from './types.ts';

/** An answer of an endpoint, for the reference. */
export interface Answer {
  status: number;
  /** `code` of the body; none where the body is no error. */
  codes: readonly Reason[];
  /** A sentence. */
  when: string;
}

export const answer = (status: number, when: string, ...codes: Reason[]): Answer => ({ status, codes, when });

/** Of every body that is read. */
export const bodyAnswers = ({ busy }: BodyLimits): Answer[] => [
  answer(408, 'The body was not whole in time, or gave way to others after 250 ms.', 'BodyTooSlow'),
  answer(413, 'The body is over its limit.', 'BodyTooLarge'),
  answer(415, 'The body is compressed.', 'InvalidRequest'),
  answer(busy, 'The bodies that are being read fill their limit. Retry-After: 1.', 'TooManyRequests'),
];

export const rateAnswer = ({ beyond }: Rate): Answer =>
  answer(beyond, 'The address sends requests faster than its limit. Retry-After: 1.', 'TooManyRequests');

/** One for each answer of the intake. */
export const intakeAnswers: Readonly<Record<AlertsAnswer['status'], Answer>> = {
  200: answer(200, 'The alerts are stored. Body: `message`.'),
  400: answer(400, 'The body is no webhook of Alertmanager, version 4.', 'NotAlertmanager'),
  503: answer(503, 'The alerts could not be stored; Alertmanager repeats.', 'StorageUnavailable'),
};

/** One for each answer of the recorder. */
export const recorderAnswers: Readonly<Record<RecordAnswer['status'], Answer>> = {
  200: answer(200, 'The release was known. Body: `release`, its number, and `workload`.'),
  201: answer(201, 'This report made the release known. Body: the same.'),
  202: answer(202, 'The release is not known yet. Retry-After says when to report again.', 'PodNotFound', 'NoHistory'),
  401: answer(
    401,
    'The token is missing or not valid.',
    'TokenMalformed',
    'TokenExpired',
    'TokenWrongIssuer',
    'TokenBadSignature',
  ),
  403: answer(403, 'The token is valid, and not for this.', 'TokenNotBoundToPod', 'TokenWrongAudience'),
  404: answer(404, 'The pod of the token is not known.', 'PodNotFound'),
  422: answer(422, 'Releases of such a pod are never recorded.', 'PodNotOwned'),
  503: answer(503, 'The release could not be stored. Retry-After: 5.', 'StorageUnavailable'),
};
