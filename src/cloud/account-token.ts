import { ReasonError } from '../api/reason-error.ts';
import type { Reason } from '../api/reasons.ts';
import { collectionOf, type KubeClient, KubeError, resources } from '../kube/index.ts';
import { asAccount } from '../policy/writer.ts';
import { type Account, nameOf } from './types.ts';

/** The least that the API server gives: it is used at once. */
const SECONDS = 600;

/**
 * A token of the ServiceAccount, for this audience alone. The account asks for it itself: the controller has no right to
 * make tokens, and lends its own identity to nobody. Rejects with ReasonError, or with KubeError.
 *
 * @param code where the account gets none
 */
export const tokenOf = async (
  account: Account,
  audience: string,
  client: KubeClient,
  code: Reason,
): Promise<string> => {
  const { namespace, name } = account;
  const path = `${collectionOf(resources.serviceAccounts, namespace)}/${encodeURIComponent(name)}/token`;
  const request = {
    apiVersion: 'authentication.k8s.io/v1',
    kind: 'TokenRequest',
    spec: { audiences: [audience], expirationSeconds: SECONDS },
  };
  const made = await asAccount(account, client)
    .raw('POST', path, request)
    .catch((error: unknown) => {
      if (!(error instanceof KubeError) || error.status === 0) throw error;
      const right = 'a Role that lets it create serviceaccounts/token of itself is needed';
      throw new ReasonError(code, `${nameOf(account)} gets no token: ${error.message}; ${right}`);
    });
  const { token } = ((made as { status?: object } | undefined)?.status ?? {}) as { token?: unknown };
  if (typeof token === 'string') return token;
  throw new ReasonError(code, `${nameOf(account)} got no token`);
};
