import { cpSync, mkdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { placePrograms } from '../build.ts';
import { openStore } from '../images.ts';
import type { Architecture } from './architectures.ts';
import { packTar } from './tar.ts';
import { IMAGES, type ImageTarget } from './targets.ts';

export interface Variant {
  architecture: Architecture;
  /** The root file system that each image is built on. */
  runtime: Record<ImageTarget, string>;
  /** Folder with the Containerfile and dist/, whose programs are of that architecture. */
  context: string;
}

/** An image for all architectures, as one archive. */
export interface ImageArchive {
  /** Without a tag. */
  repository: string;
  tag: string;
  /** Of the index of its architectures: what a registry has it by, wherever it is pushed to. */
  digest: string;
  file: string;
}

/**
 * The images of the Containerfile as OCI archives. Nothing of another architecture is run: what they are made from is
 * copied.
 *
 * @param epoch seconds: the time of everything in them
 */
export const buildArchives = async (
  variants: readonly Variant[],
  options: {
    registry: string;
    version: string;
    epoch: number;
    outDir: string;
    work: string;
    log: (line: string) => void;
  },
): Promise<Record<ImageTarget, ImageArchive>> => {
  const { registry, version, epoch, outDir, work, log } = options;
  const { buildah, close } = openStore();
  const stamp = ['--timestamp', String(epoch)];
  const archives = new Map<ImageTarget, ImageArchive>();
  try {
    for (const { target, name } of IMAGES) {
      const list = `localhost/${name}:${version}`;
      await buildah('manifest', 'create', list);
      for (const { architecture, runtime, context } of variants) {
        log(`image ${name} for ${architecture.name}`);
        const base = await commitRoot(buildah, runtime[target], {
          name: `localhost/${target}-base:${architecture.name}`,
          architecture,
          stamp,
        });
        const args = [`RUNTIME=${base}`, `CONTROLLER_RUNTIME=${base}`].flatMap((arg) => ['--build-arg', arg]);
        const tag = `localhost/${name}:${version}-${architecture.name}`;
        const platform = ['--platform', `linux/${architecture.name}`, '--pull-never'];
        await buildah(
          'bud',
          '-q',
          ...platform,
          ...stamp,
          ...args,
          '--target',
          target,
          '-f',
          join(context, 'Containerfile'),
          '-t',
          tag,
          context,
        );
        await buildah('manifest', 'add', list, tag);
      }
      const layout = join(work, `oci-${name}`);
      await buildah('manifest', 'push', '--all', list, `oci:${layout}:${version}`);
      const { manifests } = JSON.parse(readFileSync(join(layout, 'index.json'), 'utf8')) as {
        manifests: { digest: string }[];
      };
      const file = `${name}-${version}.oci.tar`;
      await packTar(join(outDir, file), layout, ['.'], epoch);
      archives.set(target, {
        repository: `${registry}/${name}`,
        tag: version,
        digest: manifests[0]?.digest ?? '',
        file,
      });
    }
  } finally {
    close();
  }
  return Object.fromEntries(archives) as Record<ImageTarget, ImageArchive>;
};

/** The root file system as an image to build on. */
const commitRoot = async (
  buildah: (...args: string[]) => Promise<string>,
  root: string,
  { name, architecture, stamp }: { name: string; architecture: Architecture; stamp: readonly string[] },
): Promise<string> => {
  const container = await buildah('from', '--arch', architecture.name, 'scratch');
  await buildah('copy', '-q', container, root, '/');
  const env = ['--env', 'PATH=/usr/local/bin:/usr/bin:/bin', '--env', 'HOME=/tmp'];
  await buildah('config', '--arch', architecture.name, '--os', 'linux', ...env, container);
  await buildah('commit', '-q', ...stamp, container, name);
  await buildah('rm', container);
  return name;
};

/** What the Containerfile copies, with the programs of one architecture. */
export const buildContext = (
  root: string,
  bundles: string,
  programs: Record<string, string>,
  context: string,
): string => {
  mkdirSync(context, { recursive: true });
  cpSync(join(root, 'Containerfile'), join(context, 'Containerfile'));
  cpSync(bundles, join(context, 'dist'), { recursive: true, dereference: true });
  placePrograms(programs, join(context, 'dist'));
  return context;
};
