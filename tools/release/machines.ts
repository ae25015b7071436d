import { join } from 'node:path';
import { IMAGE_PROGRAMS } from '../build.ts';
import { ensurePrograms } from '../cluster/build.ts';
import { ARCHITECTURES, type Architecture } from './architectures.ts';
import { type Component, debianComponents, goComponent, goRuntime, npmComponent } from './components.ts';
import { type DebianFiles, type DebianPackage, fetchDebian } from './debian.ts';
import type { Workshop } from './executables.ts';
import { goRoot, goVersion, modulesOf } from './go-modules.ts';
import { librariesOf } from './libraries.ts';
import { fetchPackage } from './npm-package.ts';
import { NODE } from './sources.ts';
import { DEBIAN_PROGRAMS, type ImageTarget } from './targets.ts';

/** What images and executables for one architecture are made of. */
export interface Machine {
  architecture: Architecture;
  /** The executable of Node. */
  node: string;
  debian: DebianFiles;
  /** Paths by their names in the image. */
  programs: Record<(typeof IMAGE_PROGRAMS)[number], string>;
  /** What of Debian is in each image: paths below the folder of all its packages, and the packages that they are of. */
  contents: Record<ImageTarget, { files: string[]; packages: DebianPackage[] }>;
  /** What others wrote: Node, the programs with all that is in them, and Debian's packages in each image. */
  components: { node: Component; programs: Component[]; debian: Record<ImageTarget, Component[]> };
}

/** For each architecture. Nothing of another one is run to get it. */
export const fetchMachines = async (workshop: Workshop): Promise<Machine[]> => {
  const { cache, log } = workshop;
  const machines: Machine[] = [];
  for (const architecture of ARCHITECTURES) {
    const folder = await fetchPackage(NODE[architecture.node], cache, log);
    log(`Debian's packages for ${architecture.name}`);
    const debian = await fetchDebian(architecture, workshop);
    const programs = await ensurePrograms(IMAGE_PROGRAMS, { log, arch: architecture.node });
    const node = join(folder, 'bin/node');
    const contents = {
      metricops: await contentsOf('metricops', node, debian),
      sidecar: await contentsOf('sidecar', node, debian),
    };
    const components = {
      node: npmComponent(folder),
      programs: await componentsOf(programs),
      debian: {
        metricops: debianComponents(contents.metricops.packages, debian.root),
        sidecar: debianComponents(contents.sidecar.packages, debian.root),
      },
    };
    machines.push({ architecture, node, debian, programs, contents, components });
  }
  return machines;
};

const contentsOf = async (
  target: ImageTarget,
  node: string,
  { root, packages }: DebianFiles,
): Promise<{ files: string[]; packages: DebianPackage[] }> => {
  const programs = DEBIAN_PROGRAMS[target];
  const libraries = await librariesOf([node, ...programs.map((program) => join(root, program))], root);
  const files = [...programs, ...libraries];
  return { files, packages: packages.filter((each) => files.some((file) => each.files.has(file))) };
};

const componentsOf = async (programs: Machine['programs']): Promise<Component[]> => {
  const go = goRuntime(await goRoot(), await goVersion());
  const modules = await Promise.all(IMAGE_PROGRAMS.map((name) => modulesOf(name, programs[name])));
  return [go, ...modules.flat().map(goComponent)];
};
