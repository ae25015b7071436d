import { ReasonError } from '../api/reason-error.ts';
import { checkedAddress } from '../http/addresses.ts';
import { tooLarge } from './errors.ts';
import { megabytes } from './limits.ts';
import { FLUSH, notGit, packet } from './packets.ts';
import { openSession, type SshKeys, type SshSession } from './ssh-session.ts';
import type { SshTarget } from './ssh-target.ts';
import { problemOf } from './ssh-words.ts';
import type { GitRequest, Transport } from './transport.ts';
import type { GitSource } from './types.ts';

const ADVERTISEMENT = 'application/x-git-upload-pack-advertisement';
const RESULT = 'application/x-git-upload-pack-result';
/** Over HTTP this stands before what the server says first. */
const SERVICE = Buffer.from(`${packet('# service=git-upload-pack\n')}${FLUSH}`);

/**
 * The same requests over SSH, where a server speaks first and keeps the connection: what it says is the answer to the
 * first request, and the next one goes over the same connection, if there is one that has only been greeted.
 * @param signal ends with the caller's patience; errors do not name its reason, but how long it was
 */
export const createSsh = (
  { url, credentials }: Pick<GitSource, 'url' | 'credentials'>,
  target: SshTarget,
  { signal, timeoutMs }: { signal: AbortSignal; timeoutMs: number },
): Transport => {
  const patience = AbortSignal.timeout(timeoutMs);
  const either = AbortSignal.any([signal, patience]);
  const open = new Set<SshSession>();
  let greeted: { session: SshSession; isNew: boolean } | undefined;
  const closeAll = (): void => {
    for (const session of open) session.kill();
  };
  either.addEventListener('abort', closeAll, { once: true });

  /** Why a session ended before it should have. */
  const problem = async (session: SshSession): Promise<Error> => {
    const { complaints } = await session.ended;
    signal.throwIfAborted();
    if (patience.aborted) {
      return new ReasonError(
        'RepositoryUnreachable',
        `${url} can't be reached: it took longer than ${timeoutMs / 1000} s`,
      );
    }
    return problemOf(url, complaints);
  };

  const start = async (isNew: boolean): Promise<SshSession> => {
    either.throwIfAborted();
    const keys = keysOf(url, credentials);
    const address = await checkedAddress(url, target.host);
    const session = await openSession({ ...target, address }, keys, { isNew });
    open.add(session);
    void session.ended.then(() => open.delete(session));
    if (either.aborted) session.kill();
    return session;
  };

  /** Up to the first flush: what a server says before it is asked. */
  async function* greeting(session: SshSession, maxBytes: number): AsyncGenerator<Buffer> {
    for (let total = 0; ; ) {
      const head = await session.take(FLUSH.length);
      if (head === undefined) throw await problem(session);
      const digits = head.toString('latin1');
      if (!/^[0-9a-f]{4}$/i.test(digits)) throw notGit(url);
      const line = await session.take(Math.max(0, Number.parseInt(digits, 16) - FLUSH.length));
      if (line === undefined) throw await problem(session);
      total += head.length + line.length;
      if (total > maxBytes) throw tooLarge(`${url} sends more than ${megabytes(maxBytes)} at once`);
      yield Buffer.concat([head, line]);
      if (digits === FLUSH) return;
    }
  }

  async function* advertised(session: SshSession, { maxBytes, isNew }: { maxBytes: number; isNew: boolean }) {
    if (!isNew) yield SERVICE;
    yield* greeting(session, maxBytes);
    greeted = { session, isNew };
  }

  async function* answered(session: SshSession, maxBytes: number): AsyncGenerator<Buffer> {
    let total = 0;
    for await (const chunk of session.rest()) {
      total += chunk.length;
      if (total > maxBytes) {
        session.kill();
        throw tooLarge(`${url} sends more than ${megabytes(maxBytes)} at once`);
      }
      yield chunk;
    }
    const { failed } = await session.ended;
    if (failed) throw await problem(session);
  }

  /** A session that has been greeted, for one request. */
  const ready = async (isNew: boolean, maxBytes: number): Promise<SshSession> => {
    const kept = greeted?.isNew === isNew ? greeted.session : undefined;
    greeted = undefined;
    if (kept) return kept;
    const session = await start(isNew);
    for await (const _ of greeting(session, maxBytes)); // said before
    return session;
  };

  return {
    async ask({ headers = {}, body, maxBytes }: GitRequest) {
      const isNew = headers['git-protocol'] === 'version=2';
      if (body === undefined) {
        const session = await start(isNew);
        return { contentType: ADVERTISEMENT, body: advertised(session, { maxBytes, isNew }) };
      }
      const session = await ready(isNew, maxBytes);
      session.finish(body);
      return { contentType: RESULT, body: answered(session, maxBytes) };
    },
    close() {
      either.removeEventListener('abort', closeAll);
      closeAll();
    },
  };
};

const keysOf = (url: string, credentials: GitSource['credentials']): SshKeys => {
  const { identity, knownHosts } = credentials ?? {};
  const missing = [...(identity ? [] : ['identity']), ...(knownHosts ? [] : ['known_hosts'])];
  if (!identity || !knownHosts) {
    const what = missing.join(' and ');
    throw new ReasonError('SecretNotFound', `${url} needs a Secret with ${what}; name it in spec.source.git.secretRef`);
  }
  if (isLocked(identity)) {
    const how = 'make one without: ssh-keygen -p -N "" -f FILE';
    throw new ReasonError(
      'AuthenticationFailed',
      `identity in the Secret for ${url} is locked with a passphrase; ${how}`,
    );
  }
  return { identity, knownHosts };
};

/** OpenSSH writes the cipher before the key; PEM says it in words. */
const isLocked = (identity: string): boolean => {
  if (/ENCRYPTED/.test(identity)) return true;
  const [, text = ''] = /-----BEGIN OPENSSH PRIVATE KEY-----([^-]*)/.exec(identity) ?? [];
  const content = Buffer.from(text, 'base64').toString('latin1');
  return content.startsWith('openssh-key-v1\0') && !content.startsWith('openssh-key-v1\0\0\0\0\x04none');
};
