import { execFileSync } from 'node:child_process';
import { chmodSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { ensureDebianPackages } from '../../tools/cluster/debian.ts';
import type { GitRepository } from '../../tools/lib/git-server.ts';

/** Somebody with a key, by which git signs. */
export interface Signer {
  /** What a Secret holds of it. */
  publicKey: string;
  /** As messages name the key. */
  id: string;
  /** Every commit of the repository, and every annotated tag, is signed by this one from now on. */
  signs(repository: GitRepository): void;
}

export interface Signers {
  /** @param type of ssh-keygen, e.g. ed25519 or ecdsa */
  ssh(type: string, bits?: number): Signer;
  pgp(): Signer & { /** Its public key, which says that it is revoked. */ revoked(): string };
  close(): void;
}

/** Keys made by ssh-keygen and GnuPG, in a folder of their own. */
export const createSigners = async (): Promise<Signers> => {
  await ensureDebianPackages(['openssh-client', 'gnupg'], (line) => process.stderr.write(`    ${line}\n`));
  const dir = mkdtempSync(join(tmpdir(), 'metricops-signers-'));
  const run = (program: string, ...args: string[]): string =>
    execFileSync(program, args, { encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] });
  const gpg = (...args: string[]): string => run('gpg', '--homedir', dir, '--batch', ...args);
  const wrapper = join(dir, 'gpg.sh');
  writeFileSync(wrapper, `#!/bin/sh\nexec gpg --homedir ${dir} "$@"\n`, { mode: 0o755 });
  chmodSync(dir, 0o700);
  let made = 0;
  const signs = (settings: Record<string, string>) => (repository: GitRepository) => {
    const all = { ...settings, 'commit.gpgsign': 'true', 'tag.gpgsign': 'true' };
    for (const [name, value] of Object.entries(all)) repository.git('config', name, value);
  };
  return {
    ssh(type, bits) {
      const file = join(dir, `key-${made++}`);
      const size = bits === undefined ? [] : ['-b', `${bits}`];
      run('ssh-keygen', '-q', '-t', type, ...size, '-N', '', '-C', 'me@example.com', '-f', file);
      return {
        publicKey: readFileSync(`${file}.pub`, 'utf8'),
        id: run('ssh-keygen', '-l', '-f', file).split(' ')[1] ?? '',
        signs: signs({ 'gpg.format': 'ssh', 'user.signingkey': file }),
      };
    },
    pgp() {
      const user = `me-${made++}@example.com`;
      gpg('--passphrase', '', '--quick-generate-key', user, 'default', 'default', 'never');
      const [, id = ''] =
        /^(?:sec|pub):[^:]*:[^:]*:[^:]*:([0-9A-F]{16}):/m.exec(gpg('--with-colons', '-k', user)) ?? [];
      return {
        publicKey: gpg('--armor', '--export', user),
        id,
        signs: signs({ 'gpg.format': 'openpgp', 'gpg.program': wrapper, 'user.signingkey': id }),
        revoked() {
          const [file = ''] = readdirSync(join(dir, 'openpgp-revocs.d')).filter((name) => name.endsWith(`${id}.rev`));
          const certificate = readFileSync(join(dir, 'openpgp-revocs.d', file), 'utf8').replace(':-----', '-----');
          writeFileSync(join(dir, file), certificate);
          gpg('--import', join(dir, file));
          return gpg('--armor', '--export', user);
        },
      };
    },
    close() {
      execFileSync('gpgconf', ['--homedir', dir, '--kill', 'all']);
      rmSync(dir, { recursive: true, force: true });
    },
  };
};
