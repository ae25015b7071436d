import { ReasonError } from '../api/reason-error.ts';
import type { Reason } from '../api/reasons.ts';

/** What ssh, or the server through it, complains of; the first that fits counts. */
const PROBLEMS: readonly [pattern: RegExp, code: Reason, hint: string][] = [
  [
    /invalid format|error in libcrypto|incorrect passphrase/i,
    'AuthenticationFailed',
    'identity in the Secret is no private key without a passphrase',
  ],
  [
    /host key verification failed|host key is known|host identification has changed/i,
    'AuthenticationFailed',
    'its host key is not in known_hosts of the Secret; compare it with what the server publishes, then add it (ssh-keyscan)',
  ],
  [
    /permission denied|too many authentication failures/i,
    'AuthenticationFailed',
    'it refuses the key in the Secret; add its public part to the repository as a deploy key',
  ],
  [
    /not found|does not appear to be a git repository|does not exist|no such/i,
    'RepositoryNotFound',
    'check spec.source.git.url, and whether the deploy key belongs to this repository',
  ],
];

const MAX_WORDS = 200;
// biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is taken out
const CONTROLS = /[\x00-\x1f\x7f]+/g;

/** @param complaints of the ssh program: the server may have written any of it */
export const problemOf = (url: string, complaints: string): ReasonError => {
  const words = complaints.replaceAll(CONTROLS, ' ').trim().slice(-MAX_WORDS);
  const [, code, hint] = PROBLEMS.find(([pattern]) => pattern.test(words)) ?? [];
  if (code === undefined) {
    const why = words === '' ? 'the connection was closed' : words;
    return new ReasonError('RepositoryUnreachable', `${url} can't be reached: ${why}`);
  }
  return new ReasonError(code, `${url}: ${hint} (${words})`);
};
