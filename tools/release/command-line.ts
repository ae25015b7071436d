import { spawnSync } from 'node:child_process';
import { cpSync, mkdirSync, renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Manifests } from '../../src/cli/manifests.ts';
import { buildExecutable } from '../build.ts';
import { sha256 } from './checksums.ts';
import { type Component, npmComponent } from './components.ts';
import { buildForLinux, buildForMacOS, type Executable, type Workshop } from './executables.ts';
import type { Machine } from './machines.ts';
import type { Download } from './manifests.ts';
import { fetchPackage } from './npm-package.ts';
import { ReleaseError } from './process.ts';
import { BUN_NOTICE, NODE } from './sources.ts';
import { packTar } from './tar.ts';

export interface CommandLine {
  /** One script for Node 24. */
  bundle: string;
  /** What others wrote in it. */
  packages: Component[];
  executables: { executable: Executable; runtime: Component }[];
}

/** @param root folder of the repository */
export const buildCommandLine = async (
  root: string,
  machines: readonly Machine[],
  { version, manifests }: { version: string; manifests: Manifests },
  workshop: Workshop,
): Promise<CommandLine> => {
  const bundle = join(workshop.work, 'metricops.cjs');
  const { packages } = await buildExecutable(bundle, { version, manifests });
  const nodes = machines.map(({ architecture, node }) => ({ architecture, node, runtime: NODE[architecture.node] }));
  const all = [...(await buildForLinux(bundle, nodes, workshop)), ...(await buildForMacOS(bundle, workshop))];
  const executables = [];
  for (const executable of all) {
    const folder = await fetchPackage(executable.runtime, workshop.cache, workshop.log);
    const runtime = npmComponent(folder, executable.os === 'darwin' ? BUN_NOTICE : undefined);
    executables.push({ executable, runtime });
  }
  return { bundle, packages: packages.map((path) => npmComponent(join(root, path))), executables };
};

const SHELLS = { bash: 'metricops.bash', zsh: '_metricops', fish: 'metricops.fish' } as const;

/** The scripts that the command line itself prints, for those who package it. */
export const writeCompletion = (bundle: string, outDir: string): void => {
  const folder = join(outDir, 'completion');
  mkdirSync(folder);
  for (const [shell, name] of Object.entries(SHELLS)) {
    const { status, stdout, stderr } = spawnSync(process.execPath, [bundle, 'completion', shell], { encoding: 'utf8' });
    if (status !== 0) throw new ReleaseError(`metricops completion ${shell} failed: ${stderr}`, 'npm test -- unit');
    writeFileSync(join(folder, name), stdout);
  }
};

/** An archive for each executable and one for the script alone, with its licences and the completion. */
export const packExecutables = async (
  { bundle, executables }: CommandLine,
  { version, epoch, work, outDir }: { version: string; epoch: number; work: string; outDir: string },
): Promise<Download[]> => {
  const pack = async (program: string, name: string, platform: string): Promise<string> => {
    const folder = join(work, 'archives', platform);
    mkdirSync(folder, { recursive: true });
    renameSync(program, join(folder, name));
    const others = ['LICENSE', 'THIRD-PARTY-NOTICES.txt', 'completion'];
    for (const other of others) cpSync(join(outDir, other), join(folder, other), { recursive: true });
    const file = `metricops_${version}_${platform}.tar.gz`;
    await packTar(join(outDir, file), folder, [...others, name], epoch);
    return file;
  };
  // Side by side: it is all compression.
  const packing = executables.map(async ({ executable: { os, arch, file: program } }): Promise<Download> => {
    const file = await pack(program, 'metricops', `${os}_${arch}`);
    return { os, arch, file, sha256: sha256(join(outDir, file)) };
  });
  const [downloads] = await Promise.all([Promise.all(packing), pack(bundle, 'metricops.cjs', 'node24')]);
  return downloads;
};
