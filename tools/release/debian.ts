import { mkdirSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Architecture } from './architectures.ts';
import { run } from './process.ts';
import { DEBIAN } from './sources.ts';

/** A package of Debian, unpacked. */
export interface DebianPackage {
  name: string;
  version: string;
  architecture: string;
  /** Its licences: a path below the folder of all packages. */
  copyright: string;
  /** All that is in it, below that folder. */
  files: ReadonlySet<string>;
}

export interface DebianFiles {
  /** Where all of them are unpacked, over one another. */
  root: string;
  packages: DebianPackage[];
}

/**
 * Debian's packages for an architecture, by an apt with a state of its own: nothing is installed, and the machine's apt
 * learns of no other architecture. Its sources and keys are the machine's.
 */
export const fetchDebian = async (
  { name: arch }: Architecture,
  { cache, work }: { cache: string; work: string },
): Promise<DebianFiles> => {
  const state = join(cache, 'apt', arch);
  const debs = join(work, 'debs', arch);
  const root = join(work, 'debian', arch);
  for (const folder of [join(state, 'lists/partial'), join(state, 'cache/archives/partial'), debs, root])
    mkdirSync(folder, { recursive: true });
  writeFileSync(join(state, 'status'), '');
  const apt = (...args: string[]): Promise<string> =>
    run('apt-get', [...optionsOf(state, arch), ...args], {
      cwd: debs,
      env: { DEBIAN_FRONTEND: 'noninteractive' },
      next: `Do the sources of apt on this machine have ${arch}? They are in /etc/apt; tools/release/sources.ts names the packages.`,
    });
  await apt('update', '-qq');
  await apt('download', '-qq', ...DEBIAN);
  const packages: DebianPackage[] = [];
  for (const file of readdirSync(debs).toSorted()) {
    const deb = join(debs, file);
    const next = 'apt-get install dpkg';
    await run('dpkg-deb', ['-x', deb, root], { next });
    const fields = await run('dpkg-deb', ['-f', deb, 'Package', 'Version', 'Architecture'], { next });
    const field = (key: string): string => new RegExp(`^${key}: (.*)$`, 'm').exec(fields)?.[1] ?? '';
    const name = field('Package');
    const copyright = join('usr/share/doc', name, 'copyright');
    const list = await run('dpkg-deb', ['-c', deb], { next });
    const files = new Set([...list.matchAll(/^(?:\S+ +){5}\.\/(.*?)(?: -> .*)?$/gm)].map(([, path = '']) => path));
    packages.push({ name, version: field('Version'), architecture: field('Architecture'), copyright, files });
  }
  rmSync(debs, { recursive: true });
  return { root, packages };
};

const optionsOf = (state: string, arch: string): string[] =>
  [
    `APT::Architecture=${arch}`,
    `APT::Architectures::=${arch}`,
    'APT::Sandbox::User=root',
    'Acquire::Languages=none',
    `Dir::State=${state}`,
    `Dir::State::Lists=${join(state, 'lists')}`,
    `Dir::State::Status=${join(state, 'status')}`,
    `Dir::Cache=${join(state, 'cache')}`,
  ].flatMap((option) => ['-o', option]);
