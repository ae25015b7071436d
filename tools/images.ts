import { execFile } from 'node:child_process';
import { cpSync, mkdirSync, mkdtempSync, realpathSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { promisify } from 'node:util';

const exec = promisify(execFile);

export interface Image {
  /** `--target` of the Containerfile. */
  target: 'metricops' | 'sidecar' | 'shop';
  /** Full reference, e.g. metricops.dev/shop:v1. */
  name: string;
  /** What `image.config.env` gets on top, to make tags of the same program differ. */
  env?: Record<string, string>;
}

/**
 * Builds images from the repository's Containerfile with buildah, in a store of its own that is removed afterwards.
 * The base comes from no registry: it is this process's node binary, prlimit and ssh, with the libraries that ldd names.
 *
 * @param context folder with the Containerfile and dist/
 * @param outDir where the docker-archive files go
 * @returns path of the archive for each image name
 */
export const buildImages = async (
  images: readonly Image[],
  { context, outDir, log }: { context: string; outDir: string; log: (line: string) => void },
): Promise<Map<string, string>> => {
  const { buildah, store, close } = openStore();
  try {
    mkdirSync(outDir, { recursive: true });
    await buildBase(join(store, 'base'), { name: BASE, programs: [PRLIMIT] }, buildah);
    await buildBase(join(store, 'controller'), { name: CONTROLLER, programs: [PRLIMIT, SSH] }, buildah);
    const archives = new Map<string, string>();
    for (const image of images) {
      log(`image ${image.name}`);
      const env = Object.entries(image.env ?? {}).flatMap(([key, value]) => ['--env', `${key}=${value}`]);
      const bases = [`RUNTIME=${BASE}`, `CONTROLLER_RUNTIME=${CONTROLLER}`].flatMap((arg) => ['--build-arg', arg]);
      const build = ['bud', '-q', ...bases, '--target', image.target, ...env];
      await buildah(...build, '-f', join(context, 'Containerfile'), '-t', image.name, context);
      const archive = join(outDir, `${image.name.replaceAll(/[/:]/g, '_')}.tar`);
      rmSync(archive, { force: true });
      await buildah('push', '-q', image.name, `docker-archive:${archive}:${image.name}`);
      archives.set(image.name, archive);
    }
    return archives;
  } finally {
    close();
  }
};

/** buildah with a store of its own, and that store, which goes when it is closed. */
export interface Store {
  /** Resolves with what it prints. */
  buildah(...args: string[]): Promise<string>;
  store: string;
  close(): void;
}

export const openStore = (): Store => {
  const store = mkdtempSync(join(tmpdir(), 'metricops-images-'));
  const own = ['--root', join(store, 'root'), '--runroot', join(store, 'run'), '--storage-driver', 'overlay'];
  return {
    buildah: async (...args) => (await exec('buildah', [...own, ...args], { maxBuffer: 16 << 20 })).stdout.trim(),
    store,
    close: () => rmSync(store, { recursive: true, force: true }),
  };
};

const BASE = 'localhost/metricops-base:node';
const CONTROLLER = 'localhost/metricops-base:controller';
/** Of util-linux: bounds what a kustomize process takes. */
const PRLIMIT = '/usr/bin/prlimit';
/** Of OpenSSH: the way to repositories with deploy keys. */
const SSH = '/usr/bin/ssh';
/** ssh wants to know who it is. */
export const PASSWD = 'metricops:x:65532:65532::/tmp:/nonexistent\n';

const buildBase = async (
  root: string,
  { name, programs }: { name: string; programs: readonly string[] },
  buildah: (...args: string[]) => Promise<string>,
): Promise<void> => {
  const node = realpathSync(process.execPath);
  const place = (from: string, to: string): void => {
    mkdirSync(dirname(join(root, to)), { recursive: true });
    cpSync(realpathSync(from), join(root, to));
  };
  place(node, '/usr/bin/node');
  for (const program of programs) place(program, program);
  const { stdout } = await exec('ldd', [node, ...programs]);
  for (const [, path] of stdout.matchAll(/(\/lib\S+)/g)) if (path !== undefined) place(path, path);
  place('/etc/ssl/certs/ca-certificates.crt', '/etc/ssl/certs/ca-certificates.crt');
  writeFileSync(join(root, 'etc/passwd'), PASSWD);
  mkdirSync(join(root, 'tmp'), { mode: 0o1777 });
  await commitRoot(buildah, root, { name });
};

/**
 * A root file system as an image to build on.
 *
 * @param platform flags that say for which machine
 * @param stamp flags that say of which time it is
 */
export const commitRoot = async (
  buildah: Store['buildah'],
  root: string,
  { name, platform = [], stamp = [] }: { name: string; platform?: readonly string[]; stamp?: readonly string[] },
): Promise<void> => {
  const container = await buildah('from', ...platform, 'scratch');
  await buildah('copy', '-q', container, root, '/');
  const env = ['--env', 'PATH=/usr/local/bin:/usr/bin:/bin', '--env', 'HOME=/tmp'];
  await buildah('config', ...platform, ...env, container);
  await buildah('commit', '-q', ...stamp, container, name);
  await buildah('rm', container);
};
