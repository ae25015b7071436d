import { type Answer, jsonIn } from './answers.ts';
import { FORM } from './forms.ts';
import type { CloudLine } from './line.ts';
import type { Issued } from './types.ts';

/** As GKE reads it: the service account of Google to act as; without it the account of Kubernetes is the principal. */
export const GOOGLE_ACCOUNT = 'iam.gke.io/gcp-service-account';
/** As Flux reads it: the provider of a workload identity pool, or (here alone) the cluster of GKE. */
export const GOOGLE_PROVIDER = 'gcp.auth.fluxcd.io/workload-identity-provider';

const PROVIDER =
  /^projects\/\d{1,30}\/locations\/global\/workloadIdentityPools\/[\w-]{1,100}\/providers\/[\w-]{1,100}$/;
const CLUSTER = /^projects\/([a-z0-9:.-]{1,100})\/locations\/[a-z0-9-]{1,60}\/clusters\/[a-z0-9-]{1,60}$/;
const EMAIL = /^[a-z0-9-]{1,63}@[a-z0-9.-]{1,200}$/;

export const isGoogleAccount = (text: string): boolean => EMAIL.test(text);

/** For whom the token of Kubernetes is, and what Google calls who issued it; undefined for what names neither. */
export const audiencesOf = (provider: string): { token: string; exchange: string } | undefined => {
  if (PROVIDER.test(provider)) {
    const name = `//iam.googleapis.com/${provider}`;
    return { token: name, exchange: name };
  }
  const [, project] = CLUSTER.exec(provider) ?? [];
  if (project === undefined) return undefined;
  const pool = `${project}.svc.id.goog`;
  return { token: pool, exchange: `identitynamespace:${pool}:https://container.googleapis.com/v1/${provider}` };
};

const SCOPE = 'https://www.googleapis.com/auth/cloud-platform';
const LIFETIME = '3600s';

/** A token of Google for one of Kubernetes: https://docs.cloud.google.com/iam/docs/reference/sts/rest/v1/TopLevel/token */
export const exchangeAtGoogle = async (
  { jwt, audience, email, now }: { jwt: string; audience: string; email: string | undefined; now: number },
  line: CloudLine,
): Promise<Answer<Issued<string>>> => {
  const url = line.at('https://sts.googleapis.com/v1/token');
  const form = new URLSearchParams({
    grant_type: 'urn:ietf:params:oauth:grant-type:token-exchange',
    audience,
    scope: SCOPE,
    requested_token_type: 'urn:ietf:params:oauth:token-type:access_token',
    subject_token: jwt,
    subject_token_type: 'urn:ietf:params:oauth:token-type:jwt',
  });
  const said = jsonIn(await line.post(url, FORM, form.toString()), url.host);
  if (!said.ok) return said;
  const { access_token: value, expires_in: seconds } = said.answer;
  if (typeof value !== 'string') return { ok: false, why: `${url.host} answered without a token` };
  const federated = { value, until: now + (Number(seconds) || 0) * 1000 };
  return email === undefined ? { ok: true, answer: federated } : actAs(email, federated.value, line);
};

/** The token of a service account: https://docs.cloud.google.com/iam/docs/reference/credentials/rest */
const actAs = async (email: string, token: string, line: CloudLine): Promise<Answer<Issued<string>>> => {
  const host = 'https://iamcredentials.googleapis.com';
  const url = line.at(`${host}/v1/projects/-/serviceAccounts/${email}:generateAccessToken`);
  const headers = { 'content-type': 'application/json', authorization: `Bearer ${token}` };
  const said = jsonIn(await line.post(url, headers, JSON.stringify({ scope: [SCOPE], lifetime: LIFETIME })), url.host);
  if (!said.ok) return { ok: false, why: `${email}: ${said.why}` };
  const { accessToken: value, expireTime } = said.answer;
  const until = Date.parse(String(expireTime));
  return typeof value === 'string' && !Number.isNaN(until)
    ? { ok: true, answer: { value, until } }
    : { ok: false, why: `${url.host} answered without a token of ${email}` };
};

const PART = '[\\w.:-]{1,128}';
const KMS_KEY = new RegExp(
  `^projects/${PART}/locations/${PART}/keyRings/${PART}/cryptoKeys/${PART}(?:/cryptoKeyVersions/\\d{1,10})?$`,
);

export const isGoogleKey = (name: string): boolean => KMS_KEY.test(name) && !/\/\.{1,2}(\/|$)/.test(name);

/** The data key, in base64: https://docs.cloud.google.com/kms/docs/reference/rest, cryptoKeys.decrypt */
export const decryptWithGoogle = async (
  { name, ciphertext }: { name: string; ciphertext: string },
  token: string,
  line: CloudLine,
): Promise<Answer<string>> => {
  const url = line.at(`https://cloudkms.googleapis.com/v1/${name}:decrypt`);
  const headers = { 'content-type': 'application/json', authorization: `Bearer ${token}` };
  const said = jsonIn(await line.post(url, headers, JSON.stringify({ ciphertext })), url.host);
  if (!said.ok) return said;
  const { plaintext } = said.answer;
  return typeof plaintext === 'string'
    ? { ok: true, answer: plaintext }
    : { ok: false, why: `${url.host} answered without a key` };
};
