import { type ChildProcessWithoutNullStreams, spawn } from 'node:child_process';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { quoted, type SshTarget } from './ssh-target.ts';

/** One `git-upload-pack` at the other end. */
export interface SshSession {
  /** Exactly so many bytes of what it writes; undefined where it ends before. */
  take(bytes: number): Promise<Buffer | undefined>;
  /** All that is left of what it writes. */
  rest(): AsyncIterable<Buffer>;
  /** Writes this, and nothing after it. */
  finish(body: Buffer): void;
  /** Resolves when the program has ended: with what it complained of, where it failed. */
  ended: Promise<{ failed: boolean; complaints: string }>;
  kill(): void;
}

export interface SshKeys {
  identity: string;
  knownHosts: string;
}

const CONNECT_S = 10;
/** The server is asked whether it is still there after so many seconds of silence, and given up after two such. */
const ALIVE_S = 15;
/** Of its complaints: the last ones count. */
const COMPLAINTS = 4096;

/**
 * Starts ssh with a private folder for its key, which goes with it: no configuration, agent, forwarding, proxy or
 * question, and no host that known_hosts does not have. Rejects where the program can't be started.
 */
export const openSession = async (
  target: SshTarget & { address: string },
  { identity, knownHosts }: SshKeys,
  { isNew }: { isNew: boolean },
): Promise<SshSession> => {
  const dir = await mkdtemp(join(tmpdir(), `metricops-ssh-${process.pid}-`));
  const files = { identity: join(dir, 'identity'), knownHosts: join(dir, 'known_hosts') };
  try {
    await writeFile(files.identity, asFile(identity), { mode: 0o600 });
    await writeFile(files.knownHosts, asFile(knownHosts), { mode: 0o600 });
    const env = { PATH: process.env.PATH, HOME: dir, ...(isNew ? { GIT_PROTOCOL: 'version=2' } : {}) };
    const child = spawn('ssh', argumentsOf(target, files), { cwd: dir, env });
    return sessionOf(child, dir);
  } catch (error) {
    await rm(dir, { recursive: true, force: true });
    throw error;
  }
};

/** ssh takes no key whose last line does not end. */
const asFile = (text: string): string => `${text.replaceAll('\r\n', '\n').trimEnd()}\n`;

const argumentsOf = (
  { user, host, address, port, path }: SshTarget & { address: string },
  files: { identity: string; knownHosts: string },
): string[] => {
  const options = {
    BatchMode: 'yes',
    StrictHostKeyChecking: 'yes',
    UserKnownHostsFile: files.knownHosts,
    GlobalKnownHostsFile: '/dev/null',
    // known_hosts has the name, as it would stand there without this.
    HostKeyAlias: port === 22 ? host : `[${host}]:${port}`,
    CheckHostIP: 'no',
    UpdateHostKeys: 'no',
    VerifyHostKeyDNS: 'no',
    IdentityFile: files.identity,
    IdentitiesOnly: 'yes',
    IdentityAgent: 'none',
    PreferredAuthentications: 'publickey',
    ClearAllForwardings: 'yes',
    PermitLocalCommand: 'no',
    ProxyCommand: 'none',
    ControlMaster: 'no',
    ControlPath: 'none',
    CanonicalizeHostname: 'no',
    ConnectTimeout: CONNECT_S,
    ServerAliveInterval: ALIVE_S,
    ServerAliveCountMax: 2,
    EscapeChar: 'none',
    LogLevel: 'ERROR',
    SendEnv: 'GIT_PROTOCOL',
    Port: port,
    User: user,
  };
  const given = Object.entries(options).flatMap(([name, value]) => ['-o', `${name}=${value}`]);
  return ['-F', '/dev/null', '-T', ...given, '--', address, `git-upload-pack ${quoted(path)}`];
};

const sessionOf = (child: ChildProcessWithoutNullStreams, dir: string): SshSession => {
  const chunks: AsyncIterator<Buffer> = child.stdout[Symbol.asyncIterator]();
  let left: Buffer = Buffer.alloc(0);
  let complaints = '';
  child.stdin.on('error', () => {}); // it may end before it has read everything
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    complaints = (complaints + text).slice(-COMPLAINTS);
  });
  const ended = Promise.withResolvers<{ failed: boolean; complaints: string }>();
  const end = (failed: boolean, words: string): void => {
    void rm(dir, { recursive: true, force: true });
    // The folder is named where ssh complains of the key.
    ended.resolve({ failed, complaints: words.replaceAll(`${dir}/`, '') });
  };
  child.once('error', (error) => end(true, `ssh can't be run: ${error.message}`));
  child.once('close', (status) => end(status !== 0, complaints));
  return {
    async take(bytes) {
      while (left.length < bytes) {
        const { value, done } = await chunks.next();
        if (done) return undefined;
        left = left.length === 0 ? value : Buffer.concat([left, value]);
      }
      const taken = left.subarray(0, bytes);
      left = left.subarray(bytes);
      return taken;
    },
    async *rest() {
      if (left.length > 0) yield left;
      left = Buffer.alloc(0);
      for (;;) {
        const { value, done } = await chunks.next();
        if (done) return;
        yield value;
      }
    },
    finish: (body) => void child.stdin.end(body),
    ended: ended.promise,
    kill: () => void child.kill('SIGKILL'),
  };
};
