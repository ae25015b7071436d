import { execFileSync, spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';

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
};

export type DebianPackage = keyof typeof PROBES;

/** Installs what is missing, with a word of what it does. Their services are not started: RUNLEVEL=1 tells the packages so. */
export const ensureDebianPackages = (packages: readonly string[], log: (line: string) => void): void => {
  const missing = packages.filter((p) => !existsSync(PROBES[p] ?? `/usr/bin/${p}`));
  if (missing.length === 0) return;
  const command = `apt-get install --no-install-recommends ${missing.join(' ')}`;
  const can = process.getuid?.() === 0 && spawnSync('apt-get', ['--version']).status === 0;
  if (!can) throw new Error(`missing: ${missing.join(', ')}. On Debian, as root: ${command}`);
  log(`installing Debian packages: ${missing.join(' ')}`);
  const env = { ...process.env, DEBIAN_FRONTEND: 'noninteractive', RUNLEVEL: '1' };
  const quiet = { env, stdio: ['ignore', 'ignore', 'inherit'] as ('ignore' | 'inherit')[] };
  execFileSync('apt-get', ['update', '-qq'], quiet);
  execFileSync('apt-get', ['install', '-y', '-qq', '--no-install-recommends', ...missing], quiet);
};
