import { cpSync, mkdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { placePrograms } from '../build.ts';
import { commitRoot, openStore, type Store } from '../images.ts';
import type { Architecture } from './architectures.ts';
import { packTar } from './tar.ts';
import { IMAGE_NAMES, type ImageTarget } from './targets.ts';

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

export interface ArchiveOptions {
  /** Before the names of the images. */
  registry: string;
  version: string;
  /** Seconds: the time of everything in them. */
  epoch: number;
  outDir: string;
  work: string;
  log: (line: string) => void;
}

/**
 * The images of the Containerfile as OCI archives. Nothing of another architecture is run: what they are made from is
 * copied.
 */
export const buildArchives = async (
  variants: readonly Variant[],
  options: ArchiveOptions,
): Promise<Record<ImageTarget, ImageArchive>> => {
  const { buildah, close } = openStore();
  const archive = async (target: ImageTarget): Promise<ImageArchive> => {
    const name = IMAGE_NAMES[target];
    const list = `localhost/${name}:${options.version}`;
    await buildah('manifest', 'create', list);
    for (const variant of variants) {
      options.log(`image ${name} for ${variant.architecture.name}`);
      await buildah('manifest', 'add', list, await buildImage(buildah, target, variant, options.epoch));
    }
    return packImage(buildah, list, name, options);
  };
  try {
    return { metricops: await archive('metricops'), sidecar: await archive('sidecar') };
  } finally {
    close();
  }
};

/** Resolves with its name in the store. */
const buildImage = async (
  buildah: Store['buildah'],
  target: ImageTarget,
  { architecture, runtime, context }: Variant,
  epoch: number,
): Promise<string> => {
  const stamp = ['--timestamp', String(epoch)];
  const base = `localhost/${target}-base:${architecture.name}`;
  const name = `localhost/${target}:${architecture.name}`;
  await commitRoot(buildah, runtime[target], { name: base, platform: ['--arch', architecture.name], stamp });
  const bases = [`RUNTIME=${base}`, `CONTROLLER_RUNTIME=${base}`].flatMap((arg) => ['--build-arg', arg]);
  const platform = ['--platform', `linux/${architecture.name}`, '--pull-never'];
  const from = ['--target', target, '-f', join(context, 'Containerfile')];
  await buildah('bud', '-q', ...platform, ...stamp, ...bases, ...from, '-t', name, context);
  return name;
};

const packImage = async (
  buildah: Store['buildah'],
  list: string,
  name: string,
  { registry, version, epoch, outDir, work }: ArchiveOptions,
): Promise<ImageArchive> => {
  const layout = join(work, `oci-${name}`);
  await buildah('manifest', 'push', '--all', list, `oci:${layout}:${version}`);
  const index = readFileSync(join(layout, 'index.json'), 'utf8');
  const { manifests } = JSON.parse(index) as { manifests: [{ digest: string }] };
  const file = `${name}-${version}.oci.tar`;
  await packTar(join(outDir, file), layout, ['.'], epoch);
  return { repository: `${registry}/${name}`, tag: version, digest: manifests[0].digest, file };
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
