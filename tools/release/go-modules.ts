import { join } from 'node:path';
import { type ProgramName, programs } from '../cluster/versions.ts';
import { run } from './process.ts';

/** A module of Go that is in a program. */
export interface GoModule {
  path: string;
  version: string;
  /** In the cache of modules. */
  folder: string;
}

const NEXT = 'Is Go 1.25 or later installed, and the proxy of Go modules reachable?';

/** The modules that the executable itself says are in it, the main one included. */
export const modulesOf = async (name: ProgramName, executable: string): Promise<GoModule[]> => {
  const said = await run('go', ['version', '-m', executable], { next: NEXT });
  const found = [...said.matchAll(/^\t(?:dep|mod)\t(\S+)\t(v\S+)/gm)].map(
    ([, path = '', version = '']) => `${path}@${version}`,
  );
  const cwd = join(import.meta.dirname, '../cluster/go', programs[name].module);
  const env = { GOTOOLCHAIN: 'local', GOFLAGS: '-mod=mod' };
  const downloaded = await run('go', ['mod', 'download', '-json', ...found], { cwd, env, next: NEXT });
  const objects = downloaded.split(/(?<=^\})\n/m).filter((text) => text.trim() !== '');
  return objects.map((text) => {
    const {
      Path: path,
      Version: version,
      Dir: folder,
    } = JSON.parse(text) as { Path: string; Version: string; Dir: string };
    return { path, version, folder };
  });
};

/** Where the toolchain is, whose runtime is in every program: with its licence. */
export const goRoot = async (): Promise<string> => (await run('go', ['env', 'GOROOT'], { next: NEXT })).trim();

export const goVersion = async (): Promise<string> =>
  (await run('go', ['env', 'GOVERSION'], { next: NEXT })).trim().replace(/^go/, '');
