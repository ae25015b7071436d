import { createHash, createHmac, timingSafeEqual } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import type { Clock } from '../clock.ts';

/** A secret text; undefined where none is set, which lets nobody in. */
export type SecretSource = () => Promise<string | undefined>;

const REREAD_MS = 5_000;

/** A file of a mounted Secret: read again now and then, since the kubelet replaces it when the Secret changes. */
export const secretFile = (path: string, clock: Pick<Clock, 'now'>): SecretSource => {
  let known: { text: Promise<string | undefined>; at: number } | undefined;
  const read = async (): Promise<string | undefined> => {
    const text = await readFile(path, 'utf8').catch(() => ''); // an optional Secret that is not there yet
    return text.trim() || undefined;
  };
  return () => {
    if (!known || clock.now() - known.at >= REREAD_MS) known = { text: read(), at: clock.now() };
    return known.text;
  };
};

/** Whether two texts are the same, in a time that depends on neither. */
export const isSame = (given: string, secret: string): boolean =>
  timingSafeEqual(createHash('sha256').update(given).digest(), createHash('sha256').update(secret).digest());

/** The token of `Authorization: Bearer ...`. */
export const bearerOf = (authorization: string | undefined): string | undefined =>
  /^Bearer +(\S+)$/i.exec(authorization ?? '')?.[1];

/** HMAC-SHA256 of the body in lower-case hex, as GitHub, Gitea, Forgejo and Bitbucket sign. */
export const signatureOf = (body: Uint8Array, secret: string): string =>
  createHmac('sha256', secret).update(body).digest('hex');
