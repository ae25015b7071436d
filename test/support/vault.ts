import { createCipheriv, createDecipheriv, randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { createServer as createTlsServer } from 'node:https';
import type { AddressInfo } from 'node:net';

/** A server that answers as Vault does where metricops asks it: a transit engine with one key, and logins by JWT. */
export interface TestVault {
  url: string;
  /** URL of its only key, as sops names it. */
  key: string;
  /** A token that may encrypt and decrypt, as an administrator made it. */
  token: string;
  /** What was asked, in order: `POST auth/kubernetes/login`. */
  asked: string[];
  /** Whether a JWT is one of who may log in as the role; nobody may by default. */
  accepts: (jwt: string, role: string) => Promise<boolean>;
  /** What it answers instead, where this is set. */
  fault: { status: number; body: string } | undefined;
  stop(): Promise<void>;
}

const KEY = 'sops';

/** @param tls PEM; without them it is plain HTTP */
export const startVault = async (tls?: { key: string; cert: string }): Promise<TestVault> => {
  const secret = randomBytes(32);
  const tokens = new Set([`hvs.${randomBytes(12).toString('hex')}`]);
  const handle = (request: IncomingMessage, response: ServerResponse): void =>
    void answerTo(request).then(({ status, body }) => response.writeHead(status).end(body));
  const server = tls ? createTlsServer(tls, handle) : createServer(handle);
  const answerTo = async (request: IncomingMessage): Promise<{ status: number; body: string }> => {
    const body = JSON.parse(await textOf(request)) as Record<string, string>;
    const path = (request.url ?? '').replace(/^\/v1\//, '');
    vault.asked.push(`${request.method} ${path}`);
    if (vault.fault) return vault.fault;
    if (path === 'auth/kubernetes/login') return logIn(body);
    if (!tokens.has(String(request.headers['x-vault-token']))) return refused(403, 'permission denied');
    if (path === `transit/encrypt/${KEY}`) return said({ data: { ciphertext: wrap(secret, body.plaintext ?? '') } });
    if (path !== `transit/decrypt/${KEY}`) return refused(404, 'no handler for route');
    const plaintext = open(secret, body.ciphertext ?? '');
    return plaintext === undefined
      ? refused(400, 'cipher: message authentication failed')
      : said({ data: { plaintext } });
  };
  const logIn = async ({ jwt = '', role = '' }: Record<string, string>) => {
    if (!(await vault.accepts(jwt, role))) return refused(403, 'permission denied');
    const token = `hvs.${randomBytes(12).toString('hex')}`;
    tokens.add(token);
    return said({ auth: { client_token: token } });
  };
  await once(server.listen(0, '127.0.0.1'), 'listening');
  const url = `${tls ? 'https' : 'http'}://127.0.0.1:${(server.address() as AddressInfo).port}`;
  const vault: TestVault = {
    url,
    key: `${url}/v1/transit/keys/${KEY}`,
    token: [...tokens].join(),
    asked: [],
    accepts: async () => false,
    fault: undefined,
    async stop() {
      server.closeAllConnections();
      server.close();
      await once(server, 'close');
    },
  };
  return vault;
};

const said = (body: object) => ({ status: 200, body: JSON.stringify(body) });
const refused = (status: number, error: string) => ({ status, body: JSON.stringify({ errors: [error] }) });

/** @param plaintext in base64 */
const wrap = (key: Buffer, plaintext: string): string => {
  const nonce = randomBytes(12);
  const cipher = createCipheriv('aes-256-gcm', key, nonce);
  const sealed = Buffer.concat([cipher.update(plaintext, 'base64'), cipher.final()]);
  return `vault:v1:${Buffer.concat([nonce, cipher.getAuthTag(), sealed]).toString('base64')}`;
};

const open = (key: Buffer, ciphertext: string): string | undefined => {
  const bytes = Buffer.from(ciphertext.replace(/^vault:v1:/, ''), 'base64');
  try {
    const decipher = createDecipheriv('aes-256-gcm', key, bytes.subarray(0, 12)).setAuthTag(bytes.subarray(12, 28));
    return Buffer.concat([decipher.update(bytes.subarray(28)), decipher.final()]).toString('base64');
  } catch {
    return undefined; // another key wrapped it
  }
};

const textOf = async (stream: AsyncIterable<Buffer>): Promise<string> => {
  const chunks: Buffer[] = [];
  for await (const chunk of stream) chunks.push(chunk);
  return Buffer.concat(chunks).toString() || '{}';
};
