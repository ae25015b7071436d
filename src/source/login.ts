import type { GitSourceSpec } from '../api/source.ts';
import type { Clock } from '../clock.ts';
import type { Clouds } from '../cloud/clouds.ts';
import { loginTo } from '../cloud/repositories.ts';
import { nameOf } from '../cloud/types.ts';
import type { GitCredentials } from '../git/index.ts';

/** Credentials that change by the hour. */
export interface Login {
  /** Who it is: enough for what is in a mirror. */
  account: string;
  /** What is good now, for some minutes at least. Rejects with ReasonError, or with KubeError. */
  now(): Promise<GitCredentials>;
}

/** Of a source that names a cloud's provider; undefined for others. */
export const loginOf = (
  { url, provider, serviceAccountName: name }: Pick<GitSourceSpec, 'url' | 'provider' | 'serviceAccountName'>,
  namespace: string,
  ports: { clouds: Clouds; clock: Clock },
): Login | undefined => {
  if (provider === undefined || name === undefined) return undefined;
  const account = { namespace, name };
  const who = `${nameOf(account)} at ${provider}`;
  return {
    account: who,
    now: async () => ({ account: who, ...(await loginTo({ url, provider, account }, ports)) }),
  };
};
