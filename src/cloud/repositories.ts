import { ReasonError } from '../api/reason-error.ts';
import type { Clock } from '../clock.ts';
import { placeOf } from './aws.ts';
import { REPOS } from './azure.ts';
import type { Clouds } from './clouds.ts';
import { amzDate, signatureOf } from './sigv4.ts';
import type { Account, AwsKeys } from './types.ts';

/** How a repository of a cloud is asked for: by basic or by bearer authorization. */
export type RepositoryLogin = { username: string; password: string } | { token: string };

/** Clouds that host repositories, as spec.source.git.provider names them. */
export type RepositoryCloud = 'aws' | 'azure';

/** What the account logs in with now. Rejects with ReasonError, or with KubeError. */
export const loginTo = async (
  { url, provider, account }: { url: string; provider: RepositoryCloud; account: Account },
  { clouds, clock }: { clouds: Clouds; clock: Clock },
): Promise<RepositoryLogin> => {
  const address = new URL(url);
  const host = hostOf(address, clouds.line(account.namespace).standsFor(address));
  if (provider === 'azure') {
    if (!AZURE_REPOS.test(host)) throw elsewhere(url, 'Azure Repos: https://dev.azure.com/ORG/PROJECT/_git/REPO');
    return { token: await clouds.azure(account, REPOS) };
  }
  const [, region = '', china = ''] = CODE_COMMIT.exec(host) ?? [];
  const place = placeOf(china ? 'aws-cn' : 'aws', region);
  if (!place) throw elsewhere(url, 'AWS CodeCommit: https://git-codecommit.REGION.amazonaws.com/v1/repos/REPO');
  return codeCommitLogin(address, region, await clouds.aws(account, place), clock.now());
};

const AZURE_REPOS = /^(dev\.azure\.com|[a-z0-9-]{1,60}\.visualstudio\.com)$/;
const CODE_COMMIT = /^git-codecommit(?:-fips)?\.([a-z0-9-]+)\.amazonaws\.com(\.cn)?$/;

/** Of the cloud; none where a token could be read on the way to it. */
const hostOf = ({ protocol, host }: URL, standsFor: string): string =>
  protocol === 'https:' || standsFor !== host ? standsFor : '';

/** A token is sent to no other host that somebody writes into a GitSync. */
const elsewhere = (url: string, what: string): ReasonError =>
  new ReasonError('HostRefused', `spec.source.git.provider is for ${what}; ${url} is none`);

/**
 * A password of CodeCommit is a signature of its path, good for some minutes: what `git remote-codecommit` makes,
 * https://docs.aws.amazon.com/codecommit/latest/userguide/setting-up-git-remote-codecommit.html
 */
export const codeCommitLogin = (
  { host, pathname }: Pick<URL, 'host' | 'pathname'>,
  region: string,
  { accessKeyId, secretAccessKey, sessionToken }: AwsKeys,
  now: number,
): { username: string; password: string } => {
  const time = amzDate(now).replace(/Z$/, '');
  const canonical = `GIT\n${pathname.replace(/\/+$/, '')}\n\nhost:${host}\n\nhost\n`;
  const scope = { region, service: 'codecommit' };
  const signature = signatureOf(canonical, { time, scope, secret: secretAccessKey });
  return { username: `${accessKeyId}%${sessionToken}`, password: `${time}Z${signature}` };
};
