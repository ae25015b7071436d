import { mkdir, writeFile } from 'node:fs/promises';
import { join, posix } from 'node:path';
import type { KustomizeSpec } from '../api/kustomize-spec.ts';
import { ReasonError } from '../api/reason-error.ts';
import type { Reason } from '../api/reasons.ts';
import { type Bounds, type Ended, failsWith, runBounded } from '../bounded.ts';
import type { FileTree } from '../file-tree.ts';
import { pointerWords } from '../git/index.ts';
import { goEnvironment, withCopy } from './copy.ts';
import { partsOfKustomization, type ReadDocuments } from './kustomization.ts';
import { complaintOfBuild } from './kustomize-complaint.ts';

/**
 * Of one process. What does not fit is refused: nobody else gets less because of it. 5 MB of definitions
 * fit, in 170 MiB: Go reserves some 50 more for tables that it hardly touches.
 */
export const KUSTOMIZE_BOUNDS: Omit<Bounds, 'wallMs'> = {
  memoryBytes: 224 * 1024 * 1024,
  cpuSeconds: 20,
  outputBytes: 16 * 1024 * 1024,
};

export interface KustomizeResult {
  /** What it wrote. */
  text: string;
  /** That it was built from; see `KustomizationParts`. */
  folders: string[];
  files: string[];
  /** In these folders are symlinks. */
  links: boolean;
}

export interface KustomizePorts {
  binary: string;
  timeoutMs: number;
  documentsOf: ReadDocuments;
  /** What is built on top of the folder. */
  on?: KustomizeSpec | undefined;
  bounds?: Omit<Bounds, 'wallMs'> | undefined;
}

/**
 * Runs the kustomize binary on a copy of what it needs: no shell, an empty environment, no plug-ins, nothing outside of
 * the copy, no remote bases. Throws ReasonError.
 */
export const kustomizeBuild = async (
  tree: FileTree,
  path: string,
  { binary, timeoutMs, documentsOf, on = {}, bounds = KUSTOMIZE_BOUNDS }: KustomizePorts,
): Promise<KustomizeResult> => {
  const { folders, files } = await partsOfKustomization(tree, path, documentsOf);
  return withCopy(tree, folders, async ({ dir, repository, home, links, pointers }) => {
    const target = isEmpty(on) ? join(repository, path) : await writeOverlay(dir, path, on);
    const ended = await runKustomize(target, home, { binary, timeoutMs, bounds }, complaintOfBuild);
    if (ended.ok) return { text: ended.stdout, folders, files, links };
    const why = ended.why.replaceAll(`${repository}/`, '').replaceAll(repository, '.').replaceAll('../repository/', '');
    throw failureOf(ended.code, `kustomize build of ${path} ${why}`, pointers);
  });
};

/**
 * Runs `kustomize build` on a folder that has all that it needs.
 * @param home an empty folder
 * @param complaintIn what of its complaints is shown
 */
export const runKustomize = (
  folder: string,
  home: string,
  { binary, timeoutMs, bounds = KUSTOMIZE_BOUNDS }: Pick<KustomizePorts, 'binary' | 'timeoutMs' | 'bounds'>,
  complaintIn: (complaints: string) => string,
): Promise<Ended> => {
  const program = { file: binary, args: ['build', folder], cwd: home, env: goEnvironment(home, bounds) };
  const failing = { setting: 'METRICOPS_KUSTOMIZE', failed: failsWith('KustomizeFailed', complaintIn) };
  return runBounded({ ...program, ...failing }, { ...bounds, wallMs: timeoutMs });
};

const isEmpty = ({ patches = [], images = [] }: KustomizeSpec): boolean => patches.length + images.length === 0;

/** A kustomization beside the copy, with the folder as its only base. */
const writeOverlay = async (
  dir: string,
  path: string,
  { patches = [], images = [] }: KustomizeSpec,
): Promise<string> => {
  const overlay = join(dir, 'overlay');
  await mkdir(overlay);
  const kustomization = { resources: [posix.join('../repository', path)], patches, images };
  await writeFile(join(overlay, 'kustomization.yaml'), JSON.stringify(kustomization));
  return overlay;
};

/**
 * Pointers are not in the copy: most of them nobody needs, and of those that it needed kustomize says only that there is
 * no such file.
 */
const failureOf = (code: Reason, message: string, pointers: readonly string[]): ReasonError => {
  const words = new Set(message.split(/[\s'":,[\]]+/));
  const needed = pointers.find((path) => words.has(path));
  if (code !== 'KustomizeFailed' || pointers.length === 0) return new ReasonError(code, message);
  if (needed !== undefined) return new ReasonError('LFSPointerRefused', pointerWords(needed), new Error(message));
  const more = pointers.length > NAMED ? ` and ${pointers.length - NAMED} more` : '';
  const named = `${pointers.slice(0, NAMED).join(', ')}${more}`;
  return new ReasonError(code, `${message}; left out, as pointers of Git LFS: ${named}`);
};

const NAMED = 5;
