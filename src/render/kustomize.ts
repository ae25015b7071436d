import { execFile } from 'node:child_process';
import { mkdir, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { GitTree } from '../git/index.ts';
import { RenderError } from './errors.ts';
import { kustomizationFolders } from './kustomization.ts';

const MAX_OUTPUT = 64 * 1024 * 1024;

export interface KustomizeResult {
  /** What it wrote. */
  text: string;
  /** That it was built from. */
  folders: string[];
  /** In these folders are symlinks. */
  links: boolean;
}

/**
 * Runs the kustomize binary on a copy of what it needs: no shell, an empty environment, no plug-ins, nothing outside of
 * the copy, no remote bases. Throws RenderError or GitError.
 */
export const kustomizeBuild = async (
  tree: GitTree,
  path: string,
  { binary, timeoutMs }: { binary: string; timeoutMs: number },
): Promise<KustomizeResult> => {
  const folders = await kustomizationFolders(tree, path);
  const dir = await mkdtemp(join(tmpdir(), 'metricops-render-'));
  const copy = join(dir, 'repository');
  const home = join(dir, 'home');
  try {
    await mkdir(copy);
    await mkdir(home);
    const { links } = await tree.writeTo(copy, folders);
    return { text: await run(binary, join(copy, path), { copy, home, timeoutMs }), folders, links };
  } finally {
    await rm(dir, { recursive: true, force: true });
  }
};

interface Run {
  copy: string;
  home: string;
  timeoutMs: number;
}

const run = (binary: string, folder: string, { copy, home, timeoutMs }: Run): Promise<string> =>
  new Promise((resolve, reject) => {
    // No programs to call, and a proxy that nobody answers at: what the check above missed reaches no other host.
    const proxy = 'http://127.0.0.1:9';
    const env = { PATH: '', HOME: home, TMPDIR: home, HTTP_PROXY: proxy, HTTPS_PROXY: proxy };
    const limits = { timeout: timeoutMs, maxBuffer: MAX_OUTPUT, killSignal: 'SIGKILL' } as const;
    execFile(binary, ['build', folder], { cwd: home, env, ...limits }, (error, stdout, stderr) => {
      if (!error) return resolve(stdout);
      if (error.code === 'ENOENT') {
        const missing = `${binary} is not installed; set METRICOPS_KUSTOMIZE`;
        return reject(new RenderError('RendererMissing', missing, error));
      }
      reject(new RenderError('KustomizeFailed', `kustomize build failed: ${why(error, stderr, copy, timeoutMs)}`));
    });
  });

const why = (error: { killed?: boolean; code?: unknown }, stderr: string, copy: string, timeoutMs: number): string => {
  if (error.code === 'ERR_CHILD_PROCESS_STDIO_MAXBUFFER') return `it wrote more than ${MAX_OUTPUT} bytes`;
  if (error.killed) return `it took longer than ${timeoutMs / 1000} s`;
  return stderr.replaceAll(`${copy}/`, '').replaceAll(copy, '.').trim().split('\n').at(-1) ?? '';
};
