import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, mkdtempSync, readFileSync, renameSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { ReleaseError, run } from './process.ts';
import type { NpmPackage } from './sources.ts';

/** The folder of the package, from the cache or from npm. What has another digest than the pinned one is not used. */
export const fetchPackage = async (wanted: NpmPackage, cache: string, log: (line: string) => void): Promise<string> => {
  const { name, version, integrity } = wanted;
  const id = `${name.replaceAll(/[@/]/g, '_')}-${version}`;
  const folder = join(cache, 'npm', id);
  if (existsSync(folder)) return folder;
  log(`downloading ${name} ${version} (once; kept in ${cache})`);
  mkdirSync(join(cache, 'npm'), { recursive: true });
  const work = mkdtempSync(join(cache, 'npm', `.${id}-`));
  try {
    const next = 'Is the npm registry reachable? `npm ping` shows.';
    const args = ['pack', `${name}@${version}`, '--pack-destination', work, '--json', '--ignore-scripts'];
    const [{ filename }] = JSON.parse(await run('npm', args, { next })) as [{ filename: string }];
    const archive = join(
      work,
      filename.replaceAll(/[@]|(?<=.)\//g, (found) => (found === '/' ? '-' : '')),
    );
    const digest = `sha512-${createHash('sha512').update(readFileSync(archive)).digest('base64')}`;
    if (digest !== integrity)
      throw new ReleaseError(
        `${name} ${version} has the digest ${digest}, not ${integrity}`,
        'If this is the version that you want, write its digest into tools/release/sources.ts.',
      );
    await run('tar', ['-xzf', archive, '-C', work], { next: `Is there room in ${cache}?` });
    renameSync(join(work, 'package'), folder); // whole or not there, whoever else downloads
  } finally {
    rmSync(work, { recursive: true, force: true });
  }
  return folder;
};
