import { mkdir, mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, posix } from 'node:path';
import type { KustomizeSpec } from '../api/kustomize-spec.ts';
import { ReasonError } from '../api/reason-error.ts';
import type { Reason } from '../api/reasons.ts';
import type { FileTree } from '../file-tree.ts';
import { pointerWords } from '../git/index.ts';
import { type Bounds, runBounded } from './bounded.ts';
import { kustomizationFolders, type ReadDocuments } from './kustomization.ts';

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
  /** That it was built from. */
  folders: string[];
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
  const folders = await kustomizationFolders(tree, path, documentsOf);
  const dir = await mkdtemp(join(tmpdir(), `metricops-render-${process.pid}-`));
  const copy = join(dir, 'repository');
  const home = join(dir, 'home');
  try {
    await mkdir(copy);
    await mkdir(home);
    const { links, pointers } = await tree.writeTo(copy, folders);
    // No programs to call, and a proxy that nobody answers at: what the check above missed reaches no other host.
    const proxy = 'http://127.0.0.1:9';
    const env = { PATH: '', HOME: home, TMPDIR: home, HTTP_PROXY: proxy, HTTPS_PROXY: proxy, ...goLimits(bounds) };
    const target = isEmpty(on) ? join(copy, path) : await writeOverlay(dir, path, on);
    const program = { file: binary, args: ['build', target], cwd: home, env };
    const ended = await runBounded(program, { ...bounds, wallMs: timeoutMs });
    if (ended.ok) return { text: ended.stdout, folders, links };
    const why = ended.why.replaceAll(`${copy}/`, '').replaceAll(copy, '.').replaceAll('../repository/', '');
    throw failureOf(ended.code, `kustomize build of ${path} ${why}`, pointers);
  } finally {
    await rm(dir, { recursive: true, force: true });
  }
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

/** Go collects garbage before it asks for more than the kernel will give, and works in one thread. */
const goLimits = ({ memoryBytes }: Pick<Bounds, 'memoryBytes'>): Record<string, string> => ({
  GOMEMLIMIT: String(Math.floor(memoryBytes * 0.6)),
  GOMAXPROCS: '1',
});

/**
 * Removes what processes that were killed have left: call it at the start, before the first render. In a container the
 * one before had our process id; elsewhere, others may be at work beside us.
 */
export const removeCopies = async (): Promise<void> => {
  const left = (await readdir(tmpdir())).filter((name) => {
    const [, pid] = /^metricops-(?:render|ssh)-([0-9]+)-/.exec(name) ?? [];
    return pid !== undefined && (Number(pid) === process.pid || !isAlive(Number(pid)));
  });
  await Promise.all(left.map((name) => rm(join(tmpdir(), name), { recursive: true, force: true })));
};

const isAlive = (pid: number): boolean => {
  try {
    return process.kill(pid, 0); // asks only
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM';
  }
};
