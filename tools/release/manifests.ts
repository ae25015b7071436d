import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { dump } from 'js-yaml';
import { configure } from '../../src/cli/commands/install.ts';
import { type Manifests, manifestsOf } from '../../src/cli/manifests.ts';
import { chartFiles, type ImageName } from '../chart/index.ts';
import type { ImageArchive } from './images.ts';
import { packTar } from './tar.ts';
import type { ImageTarget } from './targets.ts';

export interface Release {
  version: string;
  /** Seconds: the time of everything that is packed. */
  epoch: number;
  images: Record<ImageTarget, ImageArchive>;
  /** Whether a cluster can pull them: somebody named the registry that they are pushed to. */
  isPublished: boolean;
}

const referenceOf = ({ repository, tag, digest }: ImageArchive): string => `${repository}:${tag}@${digest}`;

/** What the source tree installs, with the images of the release by their digests. */
export const releasedManifests = (root: string, { images }: Release): Manifests => {
  const { first, rest, additions } = manifestsOf(root);
  const options = { image: referenceOf(images.metricops), sidecarImage: referenceOf(images.sidecar) };
  return { first, rest: configure(rest, options), additions };
};

/** For `kubectl apply --server-side -f`: the namespace and the kinds come first. */
export const installYaml = ({ first, rest }: Manifests, { version, images, isPublished }: Release): string => {
  const push = Object.values(images).map(({ repository, file }) => `#   ${file} as ${repository}`);
  const head = [
    `# metricops ${version}: kubectl apply --server-side -f install.yaml`,
    ...(isPublished
      ? []
      : ['# No registry has its images yet. Push them, and write their names into this file:', ...push]),
  ];
  const objects = [...first, ...rest].map((object) => dump(object, { lineWidth: -1, noRefs: true }));
  return `${head.join('\n')}\n---\n${objects.join('---\n')}`;
};

/** The chart, which names the images of the release, or none where a cluster could not pull them. */
export const packChart = async (
  root: string,
  { version, epoch, images, isPublished }: Release,
  { work, outDir }: { work: string; outDir: string },
): Promise<void> => {
  const nameOf = ({ repository, tag, digest }: ImageArchive): ImageName =>
    isPublished ? { repository, tag, digest } : { repository: '', tag, digest: '' };
  const read = (path: string): string => readFileSync(join(root, path), 'utf8');
  const names = { controller: nameOf(images.metricops), sidecar: nameOf(images.sidecar) };
  for (const [path, text] of chartFiles(read, { version, images: names })) {
    const file = join(work, 'chart/metricops', path);
    mkdirSync(dirname(file), { recursive: true });
    writeFileSync(file, text);
  }
  await packTar(join(outDir, `metricops-${version}.tgz`), join(work, 'chart'), ['metricops'], epoch);
};

export interface Download {
  os: string;
  arch: string;
  file: string;
  sha256: string;
}

/** The manifest of the kubectl plugin: `kubectl krew install --manifest=metricops.krew.yaml`. */
export const krewManifest = (version: string, downloads: readonly Download[], url: string | undefined): string => {
  const head =
    url === undefined
      ? '# Its uris are names of files, for no address of the release was given. It works with\n#   kubectl krew install --manifest=metricops.krew.yaml --archive=metricops_VERSION_OS_ARCH.tar.gz\n'
      : '';
  const manifest = {
    apiVersion: 'krew.googlecontainertools.github.com/v1alpha2',
    kind: 'Plugin',
    metadata: { name: 'metricops' },
    spec: {
      version: `v${version}`,
      shortDescription: 'Roll back and explain releases with metricops',
      description: 'Shows what metricops syncs, holds and rolls back, and takes the decisions of people.\n',
      platforms: downloads.map(({ os, arch, file, sha256 }) => ({
        selector: { matchLabels: { os, arch } },
        uri: url === undefined ? file : `${url.replace(/\/$/, '')}/${file}`,
        sha256,
        bin: 'metricops',
      })),
    },
  };
  return `${head}${dump(manifest, { lineWidth: -1, noRefs: true })}`;
};
