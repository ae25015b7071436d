import type { GitSync } from '../../api/gitsync.ts';
import { ReasonError } from '../../api/reason-error.ts';
import { collectionOf, type KubeClient, KubeError, resources } from '../../kube/index.ts';
import { writerOf } from '../../policy/writer.ts';

/** The least that the API server gives: it is used at once. */
const SECONDS = 600;

/**
 * A token of the ServiceAccount that the GitSync names, for this audience alone. The account asks for it itself: the
 * controller has no right to make tokens, and lends its own identity to nobody. Rejects with ReasonError.
 */
export const tokenOf = async (sync: GitSync, audience: string, client: KubeClient): Promise<string> => {
  const { namespace = '' } = sync.metadata;
  const { serviceAccountName: name } = sync.spec;
  if (name === undefined) {
    const what = 'spec.decryption.vault.role needs spec.serviceAccountName: Vault knows the role by that account';
    throw new ReasonError('DecryptionKeysNotFound', what);
  }
  const path = `${collectionOf(resources.serviceAccounts, namespace)}/${encodeURIComponent(name)}/token`;
  const request = {
    apiVersion: 'authentication.k8s.io/v1',
    kind: 'TokenRequest',
    spec: { audiences: [audience], expirationSeconds: SECONDS },
  };
  const made = await writerOf(sync, client)
    .raw('POST', path, request)
    .catch((error: unknown) => {
      if (!(error instanceof KubeError) || error.status === 0) throw error;
      const right = 'a Role that lets it create serviceaccounts/token of itself is needed';
      throw new ReasonError(
        'DecryptionKeysNotFound',
        `ServiceAccount ${namespace}/${name} gets no token: ${error.message}; ${right}`,
      );
    });
  const { token } = ((made as { status?: object } | undefined)?.status ?? {}) as { token?: unknown };
  if (typeof token === 'string') return token;
  throw new ReasonError('DecryptionKeysNotFound', `ServiceAccount ${namespace}/${name} got no token`);
};
