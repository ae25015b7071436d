import { createPrivateKey, type KeyObject } from 'node:crypto';
import { SignJWT } from 'jose';
import { type Dispatcher, request } from 'undici';
import { ReasonError } from '../api/reason-error.ts';
import { parseRepositoryUrl } from '../api/repository-url.ts';
import type { GitCredentials, GitSource } from './types.ts';

/** What a GitHub App needs for a token of one of its installations. */
interface App {
  id: string;
  installation: { id: string } | { owner: string };
  privateKey: string;
  /** Of the API, without a / at its end. */
  base: string;
}

export interface AppPorts {
  agent: Dispatcher;
  signal: AbortSignal;
  timeoutMs: number;
}

export interface AppTokens {
  /**
   * The credentials with a token in the place of an app's key, which is good for five minutes at least; others stay as
   * they are. Rejects with ReasonError.
   */
  exchanged(source: Pick<GitSource, 'url' | 'credentials'>, ports: AppPorts): Promise<GitCredentials | undefined>;
}

const USER = 'x-access-token';
const GITHUB = 'https://api.github.com';
/** GitHub takes an app's own token for ten minutes at most, and its clock may be behind ours. */
const JWT_S = 540;
const SKEW_S = 60;
const RENEW_BEFORE_MS = 300_000;
const MAX_TOKENS = 1_000;
const MAX_BYTES = 64 * 1024;

/** Tokens of installations of GitHub Apps, each asked for once and again before it expires. */
export const createAppTokens = ({ now }: { now: () => number }): AppTokens => {
  const known = new Map<string, { token: string; until: number }>();
  return {
    async exchanged({ url, credentials }, ports) {
      const app = appOf(url, credentials);
      if (!app) return credentials;
      const key = JSON.stringify(app);
      let found = known.get(key);
      if (!found || found.until - now() < RENEW_BEFORE_MS) {
        found = await installationToken(url, app, { ...ports, now });
        known.delete(key);
        known.set(key, found);
        const [oldest] = known.keys();
        if (known.size > MAX_TOKENS && oldest !== undefined) known.delete(oldest);
      }
      return { ...credentials, username: USER, password: found.token };
    },
  };
};

/** Throws ReasonError where something is missing, or the API is elsewhere than the repository. */
const appOf = (url: string, credentials: GitCredentials | undefined): App | undefined => {
  const { appId, appInstallationId, appInstallationOwner, appPrivateKey, appBaseUrl = GITHUB } = credentials ?? {};
  if (appId === undefined && appPrivateKey === undefined) return undefined;
  const installation = appInstallationId ? { id: appInstallationId } : { owner: appInstallationOwner ?? '' };
  if (!appId || !appPrivateKey || !(appInstallationId || appInstallationOwner)) {
    const needed = 'githubAppID, githubAppPrivateKey, and githubAppInstallationID or githubAppInstallationOwner';
    throw new ReasonError('SecretNotFound', `the Secret for ${url} needs ${needed}`);
  }
  const parsed = parseRepositoryUrl(url);
  const host = parsed.ok ? parsed.url.hostname : '';
  const api = URL.parse(appBaseUrl);
  // Whoever writes the Secret must not make us call another server.
  if (!api || (api.hostname !== host && api.hostname !== `api.${host}`) || !/^https?:$/.test(api.protocol)) {
    const where = `the API of the repository's own host: https://${host}/api/v3, or ${GITHUB} for github.com`;
    throw new ReasonError('AuthenticationFailed', `githubAppBaseURL in the Secret for ${url} is not ${where}`);
  }
  return { id: appId, installation, privateKey: appPrivateKey, base: appBaseUrl.replace(/\/+$/, '') };
};

const installationToken = async (
  url: string,
  app: App,
  ports: AppPorts & { now: () => number },
): Promise<{ token: string; until: number }> => {
  const jwt = await signed(url, app, Math.floor(ports.now() / 1000));
  const ask = (path: string, method: 'GET' | 'POST') =>
    asked(url, { target: `${app.base}${path}`, method, jwt }, ports);
  const { installation } = app;
  const id = 'id' in installation ? installation.id : await idOf(url, installation.owner, ask);
  const { status, body } = await ask(`/app/installations/${encodeURIComponent(id)}/access_tokens`, 'POST');
  const { token, expires_at: expires } = body;
  const until = Date.parse(String(expires));
  if (status === 201 && typeof token === 'string' && !Number.isNaN(until)) return { token, until };
  throw refusal(url, status, `installation ${id}`);
};

type Ask = (path: string, method: 'GET' | 'POST') => Promise<{ status: number; body: Record<string, unknown> }>;

const idOf = async (url: string, owner: string, ask: Ask): Promise<string> => {
  for (const kind of ['orgs', 'users']) {
    const { status, body } = await ask(`/${kind}/${encodeURIComponent(owner)}/installation`, 'GET');
    if (status === 200 && typeof body.id === 'number') return String(body.id);
    if (status !== 404) throw refusal(url, status, `the installation of ${owner}`);
  }
  throw refusal(url, 404, `the installation of ${owner}`);
};

const signed = async (url: string, { id, privateKey }: App, nowS: number): Promise<string> => {
  let key: KeyObject;
  try {
    key = createPrivateKey(privateKey);
  } catch (error) {
    const message = `githubAppPrivateKey in the Secret for ${url} is no private key in PEM`;
    throw new ReasonError('AuthenticationFailed', message, error);
  }
  return new SignJWT()
    .setProtectedHeader({ alg: 'RS256' })
    .setIssuer(id)
    .setIssuedAt(nowS - SKEW_S)
    .setExpirationTime(nowS + JWT_S)
    .sign(key);
};

const asked = async (
  url: string,
  { target, method, jwt }: { target: string; method: 'GET' | 'POST'; jwt: string },
  { agent, signal, timeoutMs }: AppPorts,
): Promise<{ status: number; body: Record<string, unknown> }> => {
  const patience = AbortSignal.timeout(timeoutMs);
  const headers = { accept: 'application/vnd.github+json', authorization: `Bearer ${jwt}`, 'user-agent': 'metricops' };
  try {
    const answer = await request(target, {
      dispatcher: agent,
      method,
      headers,
      signal: AbortSignal.any([signal, patience]),
    });
    let text = '';
    for await (const chunk of answer.body) {
      text += chunk;
      if (text.length > MAX_BYTES) throw new Error(`it answers more than ${MAX_BYTES} bytes`);
    }
    const body: unknown = text.startsWith('{') ? JSON.parse(text) : {};
    return { status: answer.statusCode, body: body as Record<string, unknown> };
  } catch (error) {
    signal.throwIfAborted();
    const why = patience.aborted ? `it took longer than ${timeoutMs / 1000} s` : (error as Error).message;
    throw new ReasonError(
      'RepositoryUnreachable',
      `no token for ${url}: ${new URL(target).host} can't be asked: ${why}`,
      error,
    );
  }
};

const refusal = (url: string, status: number, what: string): ReasonError => {
  const hint =
    status === 404
      ? `${what} is not one of this app; check githubAppInstallationID and that the app is installed`
      : 'check githubAppID and githubAppPrivateKey in the Secret';
  const isRefused = status >= 400 && status < 500;
  const code = isRefused ? 'AuthenticationFailed' : 'RepositoryUnreachable';
  return new ReasonError(
    code,
    `no token for ${url}: GitHub answered ${status} for ${what}${isRefused ? `: ${hint}` : ''}`,
  );
};
