import { chmodSync, cpSync, existsSync, mkdirSync, readFileSync, rmSync, statSync, symlinkSync } from 'node:fs';
import { join } from 'node:path';
import { type BuildOptions, build } from 'esbuild';
import { type Manifests, manifestsOf } from '../src/cli/manifests.ts';
import { ensurePrograms } from './cluster/build.ts';
import type { ProgramName } from './cluster/versions.ts';

const root = join(import.meta.dirname, '..');

/** What ships: one file each. A source that does not exist (yet) is left out. */
const BUNDLES = [
  { out: 'controller.js', entry: 'src/main.ts' },
  { out: 'git-worker.js', entry: 'src/git/worker.ts' },
  { out: 'render-worker.js', entry: 'src/render/worker.ts' },
  { out: 'lease-worker.js', entry: 'src/kube/lease-worker.ts' },
  { out: 'health-worker.js', entry: 'src/health/health-worker.ts' },
  { out: 'metricops.js', entry: 'src/cli/main.ts' },
  { out: 'sidecar.cjs', entry: 'sidecar/main.ts' },
  { out: 'shop/shop.js', entry: 'examples/shop/app/shop.ts' },
] as const;

export type Bundle = (typeof BUNDLES)[number]['out'];

/** The controller and its threads. */
export const CONTROLLER_BUNDLES: readonly Bundle[] = BUNDLES.map(({ out }) => out).filter(
  (out) => out === 'controller.js' || out.endsWith('-worker.js'),
);

export interface BundleOptions {
  /** These instead of all. */
  only?: readonly Bundle[];
  version?: string;
  /** What `metricops install` applies, instead of what the source tree has. */
  manifests?: Manifests;
}

export interface Bundled {
  bytes: number;
  /** Folders of the npm packages that are in it, relative to the repository. */
  packages: string[];
}

/**
 * Bundles for Node 24 into outDir.
 * @returns what was written
 */
export const buildAll = async (outDir: string, options: BundleOptions = {}): Promise<Map<Bundle, Bundled>> => {
  mkdirSync(outDir, { recursive: true });
  const bundles = new Map<Bundle, Bundled>();
  for (const { out, entry } of BUNDLES) {
    if (options.only !== undefined && !options.only.includes(out)) continue;
    const outfile = join(outDir, out);
    rmSync(outfile, { force: true });
    if (!existsSync(join(root, entry))) continue;
    // Authentication by kubeconfig: a controller in a pod has a token, and no use for 19 MB of generated models.
    const inPodsOnly = out === 'controller.js' || out === 'lease-worker.js' ? ['@kubernetes/client-node'] : [];
    const form = out === 'sidecar.cjs' ? SIDECAR : MODULE;
    const defined = out === 'metricops.js' ? manifestsIn(options) : {};
    bundles.set(out, await bundle(entry, outfile, { ...form, external: [...BESIDE, ...inPodsOnly] }, options, defined));
    if (out === 'metricops.js') addCommandLine(outDir, outfile);
    if (out === 'git-worker.js') addBeside(outDir);
  }
  return bundles;
};

/** The command line as one file that needs no package: what executables are made of. */
export const buildExecutable = (outfile: string, options: Omit<BundleOptions, 'only'>): Promise<Bundled> => {
  const form: BuildOptions = {
    format: 'cjs',
    banner: { js: EXECUTABLE_PLACE },
  };
  return bundle('src/cli/main.ts', outfile, form, options, {
    ...manifestsIn(options),
    'import.meta.url': '__url',
    __filename: '__file',
    __dirname: '__folder',
  });
};

/** Where an executable is, when it runs: Bun would write into it where the script was when it was built. */
const EXECUTABLE_PLACE = `const __file = process.execPath, __folder = require('node:path').dirname(__file), __url = require('node:url').pathToFileURL(__file).href;`;

const manifestsIn = ({ manifests = manifestsOf(root) }: BundleOptions): Record<string, string> => ({
  METRICOPS_MANIFESTS: JSON.stringify(manifests),
});

const bundle = async (
  entry: string,
  outfile: string,
  form: BuildOptions,
  { version = 'development' }: BundleOptions,
  defined: Record<string, string>,
): Promise<Bundled> => {
  const { metafile } = await build({
    absWorkingDir: root,
    entryPoints: [entry],
    outfile,
    bundle: true,
    platform: 'node',
    target: 'node24',
    legalComments: 'none',
    logLevel: 'error',
    define: { METRICOPS_VERSION: JSON.stringify(version), ...defined },
    ...form,
    metafile: true,
  });
  const packages = Object.keys(metafile.inputs).flatMap(
    (path) => /^.*node_modules\/(?:@[^/]+\/)?[^/]+/.exec(path)?.[0] ?? [],
  );
  return { bytes: statSync(outfile).size, packages: [...new Set(packages)].toSorted() };
};

/** Its licence (LGPL) wants that people can put another version in its place: a package of its own beside the bundles. */
const BESIDE = ['openpgp'];

const addBeside = (outDir: string): void => {
  for (const name of BESIDE) {
    const to = join(outDir, 'node_modules', name);
    rmSync(to, { recursive: true, force: true });
    for (const file of ['package.json', 'LICENSE', 'dist/node/openpgp.mjs'])
      cpSync(join(root, 'node_modules', name, file), join(to, file));
  }
};

/** The command line is a kubectl plugin by a second name. */
const addCommandLine = (outDir: string, file: string): void => {
  chmodSync(file, 0o755);
  for (const name of ['metricops', 'kubectl-metricops']) {
    rmSync(join(outDir, name), { force: true });
    symlinkSync('metricops.js', join(outDir, name));
  }
};

/** What the controller's image renders and decrypts with. */
export const IMAGE_PROGRAMS = ['kustomize', 'helm', 'sops-decrypt'] as const satisfies readonly ProgramName[];

/** Puts them, or these of them, where the Containerfile expects them. Built by the Go toolchain, where the cache does not have them. */
export const addPrograms = async (
  outDir: string,
  log: (line: string) => void,
  names: readonly (typeof IMAGE_PROGRAMS)[number][] = IMAGE_PROGRAMS,
): Promise<void> => placePrograms(await ensurePrograms(names, { log }), outDir);

/** @param programs paths by their names in the image */
export const placePrograms = (programs: Readonly<Record<string, string>>, outDir: string): void => {
  const folder = join(outDir, 'programs');
  rmSync(folder, { recursive: true, force: true });
  mkdirSync(folder, { recursive: true });
  for (const [name, path] of Object.entries(programs)) cpSync(path, join(folder, name));
};

/** CommonJS: Node's loader of ES modules alone takes 2.5 MiB of memory, and the sidecar is in every pod. */
const SIDECAR: BuildOptions = { format: 'cjs', minify: true };

/** CommonJS dependencies call require; an ES module has none of its own. */
const REQUIRE =
  "import { createRequire as __createRequire } from 'node:module'; const require = __createRequire(import.meta.url);";
/** Not minified: people read its stack traces. */
const MODULE: BuildOptions = { format: 'esm', banner: { js: REQUIRE } };

if (import.meta.main) {
  const outDir = process.argv[2] ?? join(root, 'dist');
  const { version } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as { version: string };
  const bundles = await buildAll(outDir, { version });
  await addPrograms(outDir, (line) => void process.stderr.write(`${line}\n`));
  for (const [out, { bytes }] of bundles) process.stdout.write(`${out.padEnd(16)} ${(bytes / 1024).toFixed(0)} KiB\n`);
}
