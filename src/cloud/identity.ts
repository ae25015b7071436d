import { ReasonError } from '../api/reason-error.ts';
import { type KubeClient, resources } from '../kube/index.ts';
import { isRole, ROLE } from './aws.ts';
import { AZURE_CLIENT, AZURE_TENANT, isAzureId } from './azure.ts';
import { audiencesOf, GOOGLE_ACCOUNT, GOOGLE_PROVIDER, isGoogleAccount } from './google.ts';
import { type Account, nameOf } from './types.ts';

/** Who a ServiceAccount is at a cloud, by the annotations that the clouds' own webhooks read. Each throws ReasonError. */
export interface Identity {
  /** Another one when the account was made again, or has other annotations. */
  id: string;
  aws(): { role: string };
  azure(): { client: string; tenant: string };
  google(): { audiences: { token: string; exchange: string }; email: string | undefined };
}

/** Rejects with ReasonError CloudIdentityMissing, or with KubeError. */
export const identityOf = async (account: Account, client: KubeClient): Promise<Identity> => {
  const found = await client.get(resources.serviceAccounts, account);
  if (!found) throw new ReasonError('CloudIdentityMissing', `${nameOf(account)} does not exist`);
  const annotations = found.metadata.annotations ?? {};
  const valid = <T>(name: string, parse: (text: string) => T | undefined): T => {
    const text = annotations[name];
    const parsed = text === undefined ? undefined : parse(text);
    if (parsed !== undefined) return parsed;
    const what = text === undefined ? `has no annotation ${name}` : `has an annotation ${name} that is not valid`;
    throw new ReasonError('CloudIdentityMissing', `${nameOf(account)} ${what}; ${SHAPES[name]}`);
  };
  const where = (is: (text: string) => boolean) => (text: string) => (is(text) ? text : undefined);
  const named = Object.keys(SHAPES).map((name) => annotations[name] ?? null);
  return {
    id: JSON.stringify([found.metadata.uid, ...named]),
    aws: () => ({ role: valid(ROLE, where(isRole)) }),
    azure: () => ({ client: valid(AZURE_CLIENT, where(isAzureId)), tenant: valid(AZURE_TENANT, where(isAzureId)) }),
    google: () => ({
      audiences: valid(GOOGLE_PROVIDER, audiencesOf),
      email: annotations[GOOGLE_ACCOUNT] === undefined ? undefined : valid(GOOGLE_ACCOUNT, where(isGoogleAccount)),
    }),
  };
};

const SHAPES: Readonly<Record<string, string>> = {
  [ROLE]: 'it is the ARN of the role of AWS: arn:aws:iam::ACCOUNT:role/NAME',
  [AZURE_CLIENT]: 'it is the client ID of the managed identity or the app of Azure',
  [AZURE_TENANT]: 'it is the ID of the tenant of Azure',
  [GOOGLE_ACCOUNT]: 'it is the address of a service account of Google: NAME@PROJECT.iam.gserviceaccount.com',
  [GOOGLE_PROVIDER]:
    'it is projects/NUMBER/locations/global/workloadIdentityPools/POOL/providers/PROVIDER, or for GKE projects/PROJECT/locations/LOCATION/clusters/CLUSTER',
};
