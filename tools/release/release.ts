import type { KeyObject } from 'node:crypto';
import { cpSync, mkdirSync, mkdtempSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type Bundle, buildAll, CONTROLLER_BUNDLES } from '../build.ts';
import { cacheDir } from '../cluster/build.ts';
import { ensureDebianPackages } from '../cluster/debian.ts';
import type { Progress } from '../demo/progress.ts';
import { changelogOf } from './changelog.ts';
import { signChecksums, writeChecksums } from './checksums.ts';
import { buildCommandLine, type CommandLine, packExecutables, writeCompletion } from './command-line.ts';
import { type Component, noticesOf, npmComponent } from './components.ts';
import type { Workshop } from './executables.ts';
import { buildArchives, buildContext, type Variant } from './images.ts';
import { fetchMachines, type Machine } from './machines.ts';
import { installYaml, krewManifest, packChart, type Release, releasedManifests } from './manifests.ts';
import { ReleaseError } from './process.ts';
import { type Repository, readRepository } from './repository.ts';
import { buildRuntime } from './runtime.ts';
import { type Product, sbomOf } from './sbom.ts';
import { IMAGE_NAMES, type ImageTarget, TARGETS } from './targets.ts';

export interface ReleaseOptions {
  version: string;
  outDir: string;
  registry: string | undefined;
  url: string | undefined;
  key: KeyObject | undefined;
  since: string | undefined;
  dirty: boolean;
  keepWork: boolean;
}

interface Places extends Workshop {
  /** The repository. */
  root: string;
  outDir: string;
}

const TOOLS = ['buildah', 'binutils', 'git'];
/** Names of images that nobody published, as in deploy/. */
const UNPUBLISHED = 'metricops.dev';

/** Builds the release in a folder beside the one that it is for, which it becomes when it is whole. */
export const buildRelease = async (root: string, options: ReleaseOptions, progress: Progress): Promise<void> => {
  const log = (line: string): void => progress.say(`  ${line}`);
  checkMachine();
  const repository = await readRepository(root, options);
  await progress.step('Debian packages', () => ensureDebianPackages(TOOLS, log));
  const outDir = `${options.outDir}.partial`;
  const work = mkdtempSync(join(tmpdir(), 'metricops-release-'));
  rmSync(outDir, { recursive: true, force: true });
  mkdirSync(outDir, { recursive: true });
  try {
    await fill({ root, outDir, work, cache: join(cacheDir(), 'release'), log }, options, repository, progress);
    rmSync(options.outDir, { recursive: true, force: true });
    renameSync(outDir, options.outDir);
  } finally {
    rmSync(outDir, { recursive: true, force: true });
    if (options.keepWork) progress.say(`what is in between is in ${work}`);
    else rmSync(work, { recursive: true, force: true });
  }
};

const checkMachine = (): void => {
  if (process.platform !== 'linux' || !['x64', 'arm64'].includes(process.arch))
    throw new ReleaseError(
      `A release is built on Linux (amd64 or arm64), and this is ${process.platform} (${process.arch}).`,
      'Use another machine, or a virtual one.',
    );
  if (process.getuid?.() !== 0) throw new ReleaseError('Images are built as root.', 'sudo npm run release -- ...');
};

const fill = async (
  places: Places,
  options: ReleaseOptions,
  repository: Repository,
  progress: Progress,
): Promise<void> => {
  const { root, outDir } = places;
  const { version, url, key, registry } = options;
  const { epoch, commits } = repository;
  const bundles = await progress.step('bundles', () => buildBundles(places, version));
  const machines = await progress.step('Node, Debian libraries and kustomize', () => fetchMachines(places));
  const parts = partsOfImages(bundles.packages, machines);
  const notices = { metricops: noticesOf(parts.metricops), sidecar: noticesOf(parts.sidecar) };
  const images = await progress.step('images', () =>
    buildArchives(variantsOf(places, bundles.dist, machines, notices), {
      ...places,
      registry: registry ?? UNPUBLISHED,
      version,
      epoch,
    }),
  );
  const release: Release = { version, epoch, images, isPublished: registry !== undefined };
  const manifests = releasedManifests(root, release);
  writeFileSync(join(outDir, 'install.yaml'), installYaml(manifests, release));
  await packChart(root, release, places);
  const cli = await progress.step('command line', () =>
    buildCommandLine(root, machines, { version, manifests }, places),
  );
  const products = [
    ...TARGETS.map((target) => containerOf(IMAGE_NAMES[target], parts[target])),
    ...applicationsOf(cli),
  ];
  writeFileSync(join(outDir, 'THIRD-PARTY-NOTICES.txt'), noticesOf(products.flatMap(({ components }) => components)));
  cpSync(join(root, 'LICENSE'), join(outDir, 'LICENSE'));
  await progress.step('completion, and archives of the command line', async () => {
    writeCompletion(cli.bundle, outDir);
    const downloads = await packExecutables(cli, { ...places, version, epoch });
    writeFileSync(join(outDir, 'metricops.krew.yaml'), krewManifest(version, downloads, url));
  });
  writeFileSync(join(outDir, `metricops-${version}.cdx.json`), sbomOf(version, epoch, products));
  const date = new Date(epoch * 1000).toISOString().slice(0, 10);
  writeFileSync(join(outDir, 'CHANGELOG.md'), changelogOf(version, date, commits));
  writeChecksums(outDir);
  if (key) signChecksums(outDir, key);
};

/** The scripts of the images, which are the same for every architecture. */
const buildBundles = async (
  { root, work }: Places,
  version: string,
): Promise<{ dist: string; packages: Record<ImageTarget, Component[]> }> => {
  const dist = join(work, 'dist');
  const only: Bundle[] = [...CONTROLLER_BUNDLES, 'sidecar.cjs'];
  const built = await buildAll(dist, { only, version });
  const packagesOf = (names: readonly Bundle[]): Component[] =>
    names.flatMap((name) => built.get(name)?.packages ?? []).map((path) => npmComponent(join(root, path)));
  // A package beside the bundles is in none of them.
  const beside = npmComponent(join(dist, 'node_modules/openpgp'));
  return { dist, packages: { metricops: [...packagesOf(only), beside], sidecar: packagesOf(['sidecar.cjs']) } };
};

/** What others wrote in each image. */
const partsOfImages = (
  packages: Record<ImageTarget, Component[]>,
  machines: readonly Machine[],
): Record<ImageTarget, Component[]> => {
  const partsOf = (target: ImageTarget): Component[] => [
    ...packages[target],
    ...machines.flatMap(({ components: { node, debian } }) => [node, ...debian[target]]),
  ];
  const programs = machines.flatMap(({ components }) => components.programs);
  return { metricops: [...partsOf('metricops'), ...programs], sidecar: partsOf('sidecar') };
};

const variantsOf = (
  { root, work }: Places,
  dist: string,
  machines: readonly Machine[],
  notices: Record<ImageTarget, string>,
): Variant[] =>
  machines.map((machine) => {
    const folder = join(work, machine.architecture.name);
    const runtime = { metricops: join(folder, 'metricops'), sidecar: join(folder, 'sidecar') };
    for (const target of TARGETS) buildRuntime(runtime[target], machine, { target, notices: notices[target] });
    const context = buildContext(root, dist, machine.programs, join(folder, 'context'));
    return { architecture: machine.architecture, runtime, context };
  });

const containerOf = (name: string, components: readonly Component[]): Product => ({
  name: `${name} (image)`,
  type: 'container',
  components,
});

const applicationsOf = ({ packages, executables }: CommandLine): Product[] =>
  executables.map(({ executable: { os, arch }, runtime }) => ({
    name: `metricops (${os}/${arch})`,
    type: 'application',
    components: [...packages, runtime],
  }));
