import type { PlatformPolicySpec } from '../api/platform-policy.ts';
import { ReasonError } from '../api/reason-error.ts';
import type { Clock } from '../clock.ts';
import type { KubeClient } from '../kube/index.ts';
import { tokenOf } from './account-token.ts';
import type { Answer } from './answers.ts';
import { AWS_AUDIENCE, assumeRole } from './aws.ts';
import { AZURE_AUDIENCE, type AzureScope, exchangeAtAzure } from './azure.ts';
import { exchangeAtGoogle } from './google.ts';
import { type Identity, identityOf } from './identity.ts';
import { type CloudLine, lineTo } from './line.ts';
import { type Account, type AwsKeys, type AwsPlace, type Issued, nameOf } from './types.ts';

/**
 * What clouds give for a token of a ServiceAccount, which is good for five minutes at least. Each rejects with ReasonError,
 * or with KubeError.
 */
export interface Clouds {
  aws(account: Account, place: AwsPlace): Promise<AwsKeys>;
  azure(account: Account, scope: AzureScope): Promise<string>;
  google(account: Account): Promise<string>;
  /** The way to the services that take it, for a GitSync of this namespace. */
  line(namespace: string, signal?: AbortSignal): CloudLine;
}

export interface CloudsPorts {
  clock: Clock;
  policy: () => Pick<PlatformPolicySpec, 'clouds'>;
  /** Where the controller itself is installed. */
  systemNamespace: string;
}

const RENEW_BEFORE_MS = 300_000;
/** However long the cloud's own are good: so a role that lost a right loses it within the hour. */
const LONGEST_MS = 3_600_000;
/** One render may ask for a thousand keys as the same account. */
const READ_AGAIN_MS = 5_000;
const MAX_REMEMBERED = 1_000;

/**
 * Exchanges a ServiceAccount's token at the cloud that its annotations name, once until what came of it expires. The
 * controller's own identity at a cloud, where its node has one, is never used.
 */
export const createClouds = (client: KubeClient, { clock, policy, systemNamespace }: CloudsPorts): Clouds => {
  const known = new Map<string, { issued: Promise<Issued<unknown>>; until: number }>();

  const line = (namespace: string, signal?: AbortSignal): CloudLine =>
    lineTo({ clouds: policy().clouds, isPlatform: namespace === systemNamespace, signal });

  const remembered = async <T>(key: readonly string[], issue: () => Promise<Issued<T>>): Promise<T> => {
    const id = JSON.stringify(key);
    const before = known.get(id);
    if (before && before.until > clock.now()) return (await (before.issued as Promise<Issued<T>>)).value;
    // Once, however many ask meanwhile.
    const issued = issue();
    const entry = { issued, until: Number.POSITIVE_INFINITY };
    known.delete(id);
    known.set(id, entry);
    const [oldest] = known.keys();
    if (known.size > MAX_REMEMBERED && oldest !== undefined) known.delete(oldest);
    try {
      const { value, until } = await issued;
      entry.until = until;
      return value;
    } catch (error) {
      if (known.get(id) === entry) known.delete(id);
      throw error;
    }
  };

  const identityFor = (account: Account): Promise<Identity> =>
    remembered(['account', account.namespace, account.name], async () => {
      const value = await identityOf(account, client);
      return { value, until: clock.now() + READ_AGAIN_MS };
    });

  /** What is remembered is of this very account, with the annotations that it has now. */
  const exchanged = async <T>(
    account: Account,
    { cloud, at }: { cloud: string; at: readonly string[] },
    exchange: (identity: Identity, token: (audience: string) => Promise<string>) => Promise<Answer<Issued<T>>>,
  ): Promise<T> => {
    const identity = await identityFor(account);
    const token = (audience: string) => tokenOf(account, audience, client, 'CloudIdentityMissing');
    return remembered([cloud, account.namespace, account.name, identity.id, ...at], async () => {
      const said = await exchange(identity, token);
      if (!said.ok)
        throw new ReasonError('CloudLoginFailed', `${nameOf(account)} gets nothing of ${cloud}: ${said.why}`);
      const { value, until } = said.answer;
      return { value, until: Math.min(until, clock.now() + LONGEST_MS) - RENEW_BEFORE_MS };
    });
  };

  return {
    aws: (account, place) =>
      exchanged(account, { cloud: 'AWS', at: [place.region, place.suffix] }, async (identity, token) => {
        const { role } = identity.aws();
        return assumeRole(account, { role, jwt: await token(AWS_AUDIENCE), place }, line(account.namespace));
      }),
    azure: (account, scope) =>
      exchanged(account, { cloud: 'Azure', at: [scope.authority, scope.scope] }, async (identity, token) => {
        const jwt = { ...identity.azure(), jwt: await token(AZURE_AUDIENCE), now: clock.now() };
        return exchangeAtAzure(jwt, scope, line(account.namespace));
      }),
    google: (account) =>
      exchanged(account, { cloud: 'Google Cloud', at: [] }, async (identity, token) => {
        const { audiences, email } = identity.google();
        const jwt = await token(audiences.token);
        const asked = { jwt, audience: audiences.exchange, email, now: clock.now() };
        return exchangeAtGoogle(asked, line(account.namespace));
      }),
    line,
  };
};
