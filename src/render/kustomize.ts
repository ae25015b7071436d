import { execFile } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, posix } from 'node:path';
import { load } from 'js-yaml';
import type { GitTree, TreeFile } from '../git/index.ts';
import { RenderError } from './errors.ts';

export const KUSTOMIZATION_FILES = ['kustomization.yaml', 'kustomization.yml', 'Kustomization'];

const MAX_OUTPUT = 64 * 1024 * 1024;

/** Fields in which a kustomization can name something that is fetched. */
const SOURCES = [
  'resources',
  'bases',
  'components',
  'crds',
  'configurations',
  'transformers',
  'generators',
  'validators',
];

/**
 * Runs the kustomize binary on a copy of the tree: no shell, an empty environment, no plug-ins, nothing outside of the
 * copy, and no remote bases, which would fetch from hosts that nobody allowed.
 */
export const kustomizeBuild = async (
  tree: GitTree,
  path: string,
  { binary, timeoutMs }: { binary: string; timeoutMs: number },
): Promise<string> => {
  await refuseRemotes(tree);
  const dir = await mkdtemp(join(tmpdir(), 'metricops-render-'));
  try {
    await tree.writeTo(dir);
    return await run(binary, ['build', posix.join(dir, path)], { cwd: dir, timeoutMs });
  } finally {
    await rm(dir, { recursive: true, force: true });
  }
};

const refuseRemotes = async (tree: GitTree): Promise<void> => {
  const isKustomization = (file: TreeFile): boolean => KUSTOMIZATION_FILES.includes(posix.basename(file.path));
  for (const file of (await tree.files('.')).filter(isKustomization)) {
    const text = Buffer.from(await tree.read(file)).toString();
    for (const entry of sourcesOf(text)) {
      if (isRemote(entry)) {
        throw new RenderError('RemoteBaseRefused', `${file.path} names ${entry}; copy it into the repository instead`);
      }
    }
  }
};

const sourcesOf = (text: string): string[] => {
  try {
    const kustomization = (load(text, { maxAliases: 100 }) ?? {}) as Record<string, unknown>;
    if (kustomization.helmCharts !== undefined) return ['https:// (helmCharts)'];
    return SOURCES.flatMap((field) => kustomization[field] ?? []).filter((e) => typeof e === 'string');
  } catch {
    return []; // not YAML: kustomize itself says so, with its line
  }
};

const isRemote = (entry: string): boolean =>
  /^[a-z+]+:\/\//i.test(entry) ||
  /^[^/\s]+@[^/\s]+:/.test(entry) ||
  /^(github|gitlab|bitbucket)\.[a-z]+[/:]/i.test(entry) ||
  entry.includes('?ref=') ||
  entry.includes('.git//');

const run = (binary: string, args: string[], options: { cwd: string; timeoutMs: number }): Promise<string> =>
  new Promise((resolve, reject) => {
    const env = { PATH: '', HOME: options.cwd };
    execFile(
      binary,
      args,
      { cwd: options.cwd, env, timeout: options.timeoutMs, maxBuffer: MAX_OUTPUT, killSignal: 'SIGKILL' },
      (error, stdout, stderr) => {
        if (!error) return resolve(stdout);
        if (error.code === 'ENOENT')
          return reject(
            new RenderError('RendererMissing', `${binary} is not installed; set METRICOPS_KUSTOMIZE`, error),
          );
        const said = stderr.replaceAll(options.cwd, '').trim().split('\n').at(-1) ?? '';
        const why = error.killed
          ? `it took longer than ${options.timeoutMs / 1000} s, or wrote more than ${MAX_OUTPUT} bytes`
          : said;
        reject(new RenderError('KustomizeFailed', `kustomize build failed: ${why}`, error));
      },
    );
  });
