import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { chmodSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { connect, createServer } from 'node:net';
import { tmpdir, userInfo } from 'node:os';
import { join } from 'node:path';
import { ensureDebianPackages } from '../../tools/cluster/debian.ts';
import { eventually } from './poll.ts';

export interface SshServer {
  port: number;
  /** Who may log in. */
  user: string;
  /** The private key that is let in, and what known_hosts needs. */
  identity: string;
  knownHosts: string;
  /** Makes another key, which nobody lets in. */
  makeKey(name: string, passphrase?: string): string;
  /** Commands that were run, and environment that was sent, one a line. */
  log(): string;
  close(): Promise<void>;
}

/** OpenSSH's own server on loopback, which runs what is asked of it as this user. */
export const startSshServer = async (): Promise<SshServer> => {
  await ensureDebianPackages(['openssh-client', 'openssh-server'], (line) => process.stderr.write(`    ${line}\n`));
  const dir = mkdtempSync(join(tmpdir(), 'metricops-sshd-'));
  chmodSync(dir, 0o755);
  mkdirSync('/run/sshd', { recursive: true }); // where sshd has its own privileges separated
  const makeKey = (name: string, passphrase = ''): string => {
    execFileSync('ssh-keygen', ['-q', '-t', 'ed25519', '-N', passphrase, '-C', name, '-f', join(dir, name)]);
    return readFileSync(join(dir, name), 'utf8');
  };
  makeKey('host');
  const identity = makeKey('identity');
  writeFileSync(join(dir, 'authorized'), readFileSync(join(dir, 'identity.pub')));
  const port = await freePort();
  const log = join(dir, 'log');
  const shell = join(dir, 'run');
  writeFileSync(
    shell,
    `#!/bin/sh\necho "$SSH_ORIGINAL_COMMAND \${GIT_PROTOCOL:-}" >> ${log}\nexec sh -c "$SSH_ORIGINAL_COMMAND"\n`,
  );
  chmodSync(shell, 0o755);
  const config = {
    ListenAddress: `127.0.0.1:${port}`,
    HostKey: join(dir, 'host'),
    PidFile: 'none',
    AuthorizedKeysFile: join(dir, 'authorized'),
    PasswordAuthentication: 'no',
    KbdInteractiveAuthentication: 'no',
    PermitRootLogin: 'prohibit-password',
    StrictModes: 'no',
    UsePAM: 'no',
    AcceptEnv: 'GIT_PROTOCOL',
    ForceCommand: shell,
  };
  writeFileSync(
    join(dir, 'config'),
    Object.entries(config)
      .map(([name, value]) => `${name} ${value}\n`)
      .join(''),
  );
  const child: ChildProcess = spawn('/usr/sbin/sshd', ['-D', '-e', '-f', join(dir, 'config')], { stdio: 'ignore' });
  await eventually(() => reached(port), { what: 'sshd', timeoutMs: 10_000 });
  const [type, key] = readFileSync(join(dir, 'host.pub'), 'utf8').split(' ');
  return {
    port,
    user: userInfo().username,
    identity,
    knownHosts: `[127.0.0.1]:${port} ${type} ${key}\n`,
    makeKey,
    log: () => readFileSync(log, 'utf8'),
    async close() {
      const ended = new Promise((resolve) => child.once('exit', resolve));
      child.kill();
      await ended;
      rmSync(dir, { recursive: true, force: true });
    },
  };
};

const freePort = async (): Promise<number> => {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as { port: number };
  await new Promise((resolve) => server.close(resolve));
  return port;
};

const reached = (port: number): Promise<boolean> =>
  new Promise((resolve, reject) => {
    const socket = connect(port, '127.0.0.1', () => {
      socket.destroy();
      resolve(true);
    });
    socket.once('error', reject);
  });
