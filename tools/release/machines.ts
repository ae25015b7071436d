import { join } from 'node:path';
import { ensurePrograms } from '../cluster/build.ts';
import type { ProgramName } from '../cluster/versions.ts';
import { ARCHITECTURES, type Architecture } from './architectures.ts';
import { type Component, debianComponents, goComponent, goRuntime, npmComponent } from './components.ts';
import { type DebianFiles, fetchDebian } from './debian.ts';
import type { Workshop } from './executables.ts';
import { goRoot, goVersion, modulesOf } from './go-modules.ts';
import { fetchPackage } from './npm-package.ts';
import { NODE } from './sources.ts';

/** Programs of others beside the bundles in the controller's image. */
const PROGRAMS = ['kustomize', 'helm'] as const satisfies readonly ProgramName[];

/** What images and executables for one architecture are made of. */
export interface Machine {
  architecture: Architecture;
  /** The executable of Node. */
  node: string;
  debian: DebianFiles;
  /** Paths by their names in the image. */
  programs: Record<(typeof PROGRAMS)[number], string>;
  /** What others wrote: Node, the programs with all that is in them, Debian's packages. */
  components: { node: Component; programs: Component[]; debian: Component[] };
}

/** For each architecture. Nothing of another one is run to get it. */
export const fetchMachines = async (workshop: Workshop): Promise<Machine[]> => {
  const { cache, log } = workshop;
  const machines: Machine[] = [];
  for (const architecture of ARCHITECTURES) {
    const folder = await fetchPackage(NODE[architecture.node], cache, log);
    log(`Debian's packages for ${architecture.name}`);
    const debian = await fetchDebian(architecture, workshop);
    const programs = await ensurePrograms(PROGRAMS, { log, arch: architecture.node });
    const components = {
      node: npmComponent(folder),
      programs: await componentsOf(programs),
      debian: debianComponents(debian),
    };
    machines.push({ architecture, node: join(folder, 'bin/node'), debian, programs, components });
  }
  return machines;
};

const componentsOf = async (programs: Machine['programs']): Promise<Component[]> => {
  const go = goRuntime(await goRoot(), await goVersion());
  const modules = await Promise.all(PROGRAMS.map((name) => modulesOf(name, programs[name])));
  return [go, ...modules.flat().map(goComponent)];
};
