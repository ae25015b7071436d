import { type Answer, jsonIn } from './answers.ts';
import { FORM } from './forms.ts';
import type { CloudLine } from './line.ts';
import type { Issued } from './types.ts';

/** As the webhook of Azure reads them. */
export const AZURE_CLIENT = 'azure.workload.identity/client-id';
export const AZURE_TENANT = 'azure.workload.identity/tenant-id';
/** Of the token of Kubernetes. */
export const AZURE_AUDIENCE = 'api://AzureADTokenExchange';

const ID = /^[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}$/;

export const isAzureId = (text: string): boolean => ID.test(text);

/** Which Azure, by who logs in there, and for what the token is. */
export interface AzureScope {
  authority: string;
  scope: string;
}

/** Azure Repos: the same for every organisation. */
export const REPOS: AzureScope = {
  authority: 'login.microsoftonline.com',
  scope: '499b84ac-1321-427f-aa17-267ca6975798/.default',
};

/**
 * A token of Azure for one of Kubernetes:
 * https://learn.microsoft.com/entra/identity-platform/v2-oauth2-client-creds-grant-flow
 */
export const exchangeAtAzure = async (
  { jwt, client, tenant, now }: { jwt: string; client: string; tenant: string; now: number },
  { authority, scope }: AzureScope,
  line: CloudLine,
): Promise<Answer<Issued<string>>> => {
  const url = line.at(`https://${authority}/${tenant}/oauth2/v2.0/token`);
  const form = new URLSearchParams({
    grant_type: 'client_credentials',
    client_id: client,
    scope,
    client_assertion_type: 'urn:ietf:params:oauth:client-assertion-type:jwt-bearer',
    client_assertion: jwt,
  });
  const said = jsonIn(await line.post(url, FORM, form.toString()), url.host);
  if (!said.ok) return said;
  const { access_token: value, expires_in: seconds } = said.answer;
  return typeof value === 'string'
    ? { ok: true, answer: { value, until: now + (Number(seconds) || 0) * 1000 } }
    : { ok: false, why: `${url.host} answered without a token` };
};

/** A key of a Key Vault. */
export interface AzureKey {
  vault: string;
  key: string;
  version: string;
}

/** Hosts of Key Vaults, and who logs in for them. A token goes nowhere else, whatever a file says. */
const VAULTS: readonly [host: RegExp, AzureScope][] = [
  [
    /^[a-z0-9-]{1,60}\.vault\.azure\.net$/,
    { authority: 'login.microsoftonline.com', scope: 'https://vault.azure.net/.default' },
  ],
  [
    /^[a-z0-9-]{1,60}\.vault\.azure\.cn$/,
    { authority: 'login.partner.microsoftonline.cn', scope: 'https://vault.azure.cn/.default' },
  ],
  [
    /^[a-z0-9-]{1,60}\.vault\.usgovcloudapi\.net$/,
    { authority: 'login.microsoftonline.us', scope: 'https://vault.usgovcloudapi.net/.default' },
  ],
];

/** What a token for the key is for; undefined for what is no key of a Key Vault. */
export const scopeOfKey = ({ vault, key, version }: AzureKey): AzureScope | undefined => {
  const url = URL.parse(vault);
  if (url?.href !== `https://${url?.hostname}/`) return undefined;
  if (!/^[A-Za-z0-9-]{1,127}$/.test(key) || !/^[0-9a-f]{32}$/.test(version)) return undefined;
  return VAULTS.find(([host]) => host.test(url.hostname))?.[1];
};

/** The data key, in base64: https://learn.microsoft.com/rest/api/keyvault/keys/decrypt/decrypt */
export const decryptWithAzure = async (
  { vault, key, version, ciphertext }: AzureKey & { ciphertext: string },
  token: string,
  line: CloudLine,
): Promise<Answer<string>> => {
  const url = line.at(new URL(`/keys/${key}/${version}/decrypt?api-version=7.4`, vault).href);
  const headers = { 'content-type': 'application/json', authorization: `Bearer ${token}` };
  const said = jsonIn(
    await line.post(url, headers, JSON.stringify({ alg: 'RSA-OAEP-256', value: ciphertext })),
    url.host,
  );
  if (!said.ok) return said;
  const { value } = said.answer;
  return typeof value === 'string'
    ? { ok: true, answer: Buffer.from(value, 'base64url').toString('base64') }
    : { ok: false, why: `${url.host} answered without a key` };
};
