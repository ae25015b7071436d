import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, rmSync, writeFileSync } from 'node:fs';

/** Debian packages, each with a file by which its presence is seen without asking dpkg. */
const PROBES: Record<string, string> = {
  containerd: '/usr/bin/containerd',
  runc: '/usr/sbin/runc',
  'containernetworking-plugins': '/usr/lib/cni/bridge',
  conntrack: '/usr/sbin/conntrack',
  iptables: '/usr/sbin/iptables',
  buildah: '/usr/bin/buildah',
  iproute2: '/usr/sbin/ip',
  prometheus: '/usr/bin/prometheus',
  'prometheus-alertmanager': '/usr/bin/prometheus-alertmanager',
  git: '/usr/bin/git',
  'openssh-client': '/usr/bin/ssh',
  'openssh-server': '/usr/sbin/sshd',
  gnupg: '/usr/bin/gpg',
  binutils: '/usr/bin/readelf',
  openssl: '/usr/bin/openssl',
  'qemu-user': '/usr/bin/qemu-aarch64',
};

export type DebianPackage = keyof typeof PROBES;

/** Installs what is missing, with a word of what it does. Their services are not started. */
export const ensureDebianPackages = async (packages: readonly string[], log: (line: string) => void): Promise<void> => {
  const missing = packages.filter((p) => !existsSync(PROBES[p] ?? `/usr/bin/${p}`));
  if (missing.length === 0) return;
  const command = `apt-get install --no-install-recommends ${missing.join(' ')}`;
  const can = process.getuid?.() === 0 && spawnSync('apt-get', ['--version']).status === 0;
  if (!can) throw new Error(`missing: ${missing.join(', ')}. On Debian, as root: ${command}`);
  log(`installing Debian packages: ${missing.join(' ')}`);
  await withoutServices(async () => {
    await aptGet('update', '-qq');
    await aptGet('install', '-y', '-qq', '--no-install-recommends', ...missing);
  });
};

const aptGet = async (...args: string[]): Promise<void> => {
  const env = { ...process.env, DEBIAN_FRONTEND: 'noninteractive' };
  const [code] = await once(spawn('apt-get', args, { env, stdio: ['ignore', 'ignore', 'inherit'] }), 'exit');
  if (code !== 0) throw new Error(`apt-get ${args.join(' ')} failed`);
};

const POLICY = '/usr/sbin/policy-rc.d';

/** Debian asks this file before it starts a service that a package brings; 101 is no. A policy of the machine's own stays. */
const withoutServices = async (install: () => Promise<void>): Promise<void> => {
  const own = existsSync(POLICY);
  if (!own) writeFileSync(POLICY, '#!/bin/sh\nexit 101\n', { mode: 0o755 });
  try {
    await install();
  } finally {
    if (!own) rmSync(POLICY);
  }
};
