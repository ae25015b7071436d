import type { LookupFunction } from 'node:net';
import { Agent, request } from 'undici';
import { ReasonError } from '../api/reason-error.ts';
import type { VaultAccess, Wrapped } from './types.ts';

export interface Vault {
  /** The data key in base64, or why there is none. Rejects with what the token rejects with. */
  unwrap(wrapped: Wrapped): Promise<string | ReasonError>;
  close(): Promise<void>;
}

/** For all that is asked of it for one render, which holds a place of few meanwhile. */
const TIMEOUT_MS = 15_000;
const MAX_ANSWER = 64 * 1024;
/** Parts of a path: what a file says leads to no other endpoint. */
const ENGINE = /^[A-Za-z0-9_-][A-Za-z0-9_.-]*(\/[A-Za-z0-9_-][A-Za-z0-9_.-]*)*$/;
const KEY = /^[A-Za-z0-9_-][A-Za-z0-9_.-]*$/;

/** The transit engine of one Vault, or OpenBao: https://developer.hashicorp.com/vault/api-docs/secret/transit. */
export const openVault = ({ address, ca, lookup, token }: VaultAccess): Vault => {
  const vault = connectTo({ address, ca, lookup });
  let loggedIn: Promise<string> | undefined;
  return {
    async unwrap({ name, ciphertext, vault: { engine, key } = { engine: '', key: '' } }) {
      if (!ENGINE.test(engine) || !KEY.test(key))
        return new ReasonError('DecryptionFailed', `${name} is no key of the transit engine of Vault`);
      loggedIn ??= token();
      const headers = { 'x-vault-token': await loggedIn };
      const said = await vault.post(`${engine}/decrypt/${key}`, { ciphertext }, headers);
      if (!said.ok) return new ReasonError('KeyServiceFailed', `${name}: ${said.why}`);
      const { plaintext } = (said.answer.data ?? {}) as { plaintext?: unknown };
      if (typeof plaintext === 'string') return plaintext;
      return new ReasonError('KeyServiceFailed', `${name}: Vault answered without a data key`);
    },
    close: vault.close,
  };
};

/** A token of Vault for a token of Kubernetes. Rejects with ReasonError. */
export const logIn = async (
  access: Pick<VaultAccess, 'address' | 'ca' | 'lookup'>,
  { loginPath, role, jwt }: { loginPath: string; role: string; jwt: string },
): Promise<string> => {
  const vault = connectTo(access);
  try {
    const said = await vault.post(loginPath, { role, jwt });
    const { client_token: token } = ((said.ok ? said.answer.auth : undefined) ?? {}) as { client_token?: unknown };
    if (typeof token === 'string') return token;
    const why = said.ok ? 'it answered without a token' : said.why;
    throw new ReasonError('KeyServiceFailed', `login at ${access.address}, ${loginPath}, as role ${role}: ${why}`);
  } finally {
    await vault.close();
  }
};

type Said = { ok: true; answer: Record<string, unknown> } | { ok: false; why: string };

/** Follows no redirect: a token is for one host. */
const connectTo = ({
  address,
  ca,
  lookup,
}: {
  address: string;
  ca?: string | undefined;
  lookup?: LookupFunction | undefined;
}) => {
  const connect = { timeout: TIMEOUT_MS, ...(lookup && { lookup }), ...(ca !== undefined && { ca }) };
  const agent = new Agent({ connections: 1, connect });
  const signal = AbortSignal.timeout(TIMEOUT_MS);
  return {
    async post(path: string, body: object, headers: Record<string, string> = {}): Promise<Said> {
      const options = { dispatcher: agent, method: 'POST', body: JSON.stringify(body), signal } as const;
      try {
        const { statusCode, body: stream } = await request(new URL(`/v1/${path}`, address), { ...options, headers });
        const text = await textOf(stream);
        // Its words may name what the token may do: the status is enough.
        if (statusCode !== 200) return { ok: false, why: `Vault answered ${statusCode}${HINTS[statusCode] ?? ''}` };
        return { ok: true, answer: JSON.parse(text) as Record<string, unknown> };
      } catch (error) {
        if (error instanceof SyntaxError) return { ok: false, why: 'what answered is no Vault' };
        const own = [error, (error as Error).cause].find((each) => each instanceof ReasonError);
        if (own) throw own;
        const why = signal.aborted ? `no answer within ${TIMEOUT_MS / 1000} s` : codeOf(error);
        return { ok: false, why: `Vault can't be reached: ${why}` };
      }
    },
    close: () => agent.destroy(),
  };
};

const HINTS: Readonly<Record<number, string>> = {
  400: ': the data key was not wrapped by this key, or the role does not know the token',
  403: ': the policy of its token does not allow it, or the token has expired',
  404: ': it has no such engine or key',
  503: ': it is sealed',
};

const codeOf = (error: unknown): string => {
  if (!(error instanceof Error)) return 'an unexpected error';
  const { code = error.name } = error as NodeJS.ErrnoException;
  return code;
};

const textOf = async (body: AsyncIterable<Buffer>): Promise<string> => {
  const chunks: Buffer[] = [];
  let left = MAX_ANSWER;
  for await (const chunk of body) {
    left -= chunk.length;
    if (left < 0) throw new SyntaxError('too long');
    chunks.push(chunk);
  }
  return Buffer.concat(chunks).toString();
};
