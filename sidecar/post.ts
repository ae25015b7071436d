import { readFile } from 'node:fs/promises';
import { request as http, type RequestOptions } from 'node:http';
import { request as https } from 'node:https';
import type { Settings } from './settings.ts';

export interface Answer {
  status: number;
  /** Seconds, from Retry-After; undefined when the server did not say. */
  retryAfter: number | undefined;
  /** The parsed body; undefined when it is not a JSON object. */
  body: Record<string, unknown> | undefined;
}

const TIMEOUT_MS = 10_000;
const MAX_ANSWER = 16 * 1024;

/**
 * One report: an empty body, and the pod's token, which is all that the server takes from us.
 * Rejects when there is no token, no answer within 10 s, or the server's certificate is not of the bundle.
 */
export const postRecord = async (settings: Settings): Promise<Answer> => {
  const token = (await readFile(settings.tokenFile, 'utf8')).trim();
  const ca = (await fileText(settings.caFile)) ?? settings.ca;
  const body = '{}';
  const options: RequestOptions & { ca?: string } = {
    method: 'POST',
    headers: {
      authorization: `Bearer ${token}`,
      'content-type': 'application/json',
      'content-length': body.length,
      'user-agent': 'metricops-recorder',
    },
    agent: false, // one report in half an hour: a kept connection would only cost memory at both ends
    signal: AbortSignal.timeout(TIMEOUT_MS),
    ...(ca === undefined ? {} : { ca }),
  };
  return send(settings.recordUrl, options, body);
};

/** undefined when the file is missing or empty: an optional ConfigMap may come later. */
const fileText = async (path: string): Promise<string | undefined> => {
  try {
    const text = await readFile(path, 'utf8');
    return text.trim() === '' ? undefined : text;
  } catch {
    return undefined;
  }
};

const send = (url: URL, options: RequestOptions, body: string): Promise<Answer> =>
  new Promise((resolve, reject) => {
    const request = (url.protocol === 'http:' ? http : https)(url, options, (response) => {
      const chunks: Buffer[] = [];
      let size = 0;
      response.on('data', (chunk: Buffer) => {
        size += chunk.length;
        if (size > MAX_ANSWER) request.destroy(new Error(`the answer is over ${MAX_ANSWER} bytes`));
        else chunks.push(chunk);
      });
      response.once('error', reject);
      response.once('end', () => {
        const retryAfter = Number(response.headers['retry-after']);
        resolve({
          status: response.statusCode ?? 0,
          retryAfter: Number.isFinite(retryAfter) && retryAfter > 0 ? retryAfter : undefined,
          body: objectOf(Buffer.concat(chunks).toString()),
        });
      });
    });
    request.once('error', reject);
    request.end(body);
  });

const objectOf = (text: string): Record<string, unknown> | undefined => {
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === 'object' && value !== null ? (value as Record<string, unknown>) : undefined;
  } catch {
    return undefined; // a proxy's page: the status says enough
  }
};
