import { createHash, createHmac } from 'node:crypto';
import type { AwsKeys } from './types.ts';

// Signature Version 4: https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_sigv-create-signed-request.html

export interface Scope {
  region: string;
  service: string;
}

/** As the algorithm writes a time: `20260101T000000Z`. */
export const amzDate = (ms: number): string => new Date(ms).toISOString().replace(/[:-]|\.\d+/g, '');

const sha256 = (text: string): string => createHash('sha256').update(text).digest('hex');
const hmac = (key: string | Buffer, text: string): Buffer => createHmac('sha256', key).update(text).digest();

/** Of a canonical request. `time` begins with the day. */
export const signatureOf = (
  canonical: string,
  { time, scope: { region, service }, secret }: { time: string; scope: Scope; secret: string },
): string => {
  const day = time.slice(0, 8);
  const key = [day, region, service, 'aws4_request'].reduce<string | Buffer>(
    (last, next) => hmac(last, next),
    `AWS4${secret}`,
  );
  const text = ['AWS4-HMAC-SHA256', time, scopeOf(day, { region, service }), sha256(canonical)].join('\n');
  return hmac(key, text).toString('hex');
};

const scopeOf = (day: string, { region, service }: Scope): string => `${day}/${region}/${service}/aws4_request`;

/**
 * The headers of a POST, with its signature. The path is signed as it is: one without special characters.
 *
 * @param request.now in ms since the epoch
 */
export const signed = (
  { url, headers, body, now }: { url: URL; headers: Readonly<Record<string, string>>; body: string; now: number },
  scope: Scope,
  { accessKeyId, secretAccessKey, sessionToken }: Pick<AwsKeys, 'accessKeyId' | 'secretAccessKey'> & Partial<AwsKeys>,
): Record<string, string> => {
  const time = amzDate(now);
  const all: Record<string, string> = {
    ...headers,
    host: url.host,
    'x-amz-date': time,
    ...(sessionToken !== undefined && { 'x-amz-security-token': sessionToken }),
  };
  const names = Object.keys(all).toSorted();
  const lines = names.map((name) => `${name}:${(all[name] ?? '').trim()}\n`).join('');
  const canonical = ['POST', url.pathname, url.search.slice(1), lines, names.join(';'), sha256(body)].join('\n');
  const signature = signatureOf(canonical, { time, scope, secret: secretAccessKey });
  const credential = `${accessKeyId}/${scopeOf(time.slice(0, 8), scope)}`;
  const parts = [`Credential=${credential}`, `SignedHeaders=${names.join(';')}`, `Signature=${signature}`];
  return { ...all, authorization: `AWS4-HMAC-SHA256 ${parts.join(', ')}` };
};
