import { chmodSync, cpSync, existsSync, mkdirSync, readFileSync, rmSync, statSync, symlinkSync } from 'node:fs';
import { join } from 'node:path';
import { type BuildOptions, build } from 'esbuild';
import { ensurePrograms } from './cluster/build.ts';

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

/**
 * Bundles for Node 24 into outDir.
 * @param only these instead of all
 * @returns sizes in bytes of what was written
 */
export const buildAll = async (
  outDir: string,
  { only, version = 'development' }: { only?: readonly Bundle[]; version?: string } = {},
): Promise<Map<Bundle, number>> => {
  mkdirSync(outDir, { recursive: true });
  const sizes = new Map<Bundle, number>();
  for (const { out, entry } of BUNDLES) {
    if (only !== undefined && !only.includes(out)) continue;
    const outfile = join(outDir, out);
    rmSync(outfile, { force: true });
    if (!existsSync(join(root, entry))) continue;
    await build({
      absWorkingDir: root,
      entryPoints: [entry],
      outfile,
      bundle: true,
      platform: 'node',
      target: 'node24',
      legalComments: 'none',
      logLevel: 'error',
      define: { METRICOPS_VERSION: JSON.stringify(version) },
      ...(out === 'sidecar.cjs' ? SIDECAR : MODULE),
      // Authentication by kubeconfig: a controller in a pod has a token, and no use for 19 MB of generated models.
      external: [
        ...BESIDE,
        ...(out === 'controller.js' || out === 'lease-worker.js' ? ['@kubernetes/client-node'] : []),
      ],
    });
    sizes.set(out, statSync(outfile).size);
    if (out === 'metricops.js') addCommandLine(outDir, outfile);
    if (out === 'git-worker.js') addBeside(outDir);
  }
  return sizes;
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

/** The command line carries what `metricops install` applies, and is a kubectl plugin by a second name. */
const addCommandLine = (outDir: string, file: string): void => {
  chmodSync(file, 0o755);
  for (const name of ['kustomization.yaml', 'deploy'])
    cpSync(join(root, name), join(outDir, name), { recursive: true });
  for (const name of ['metricops', 'kubectl-metricops']) {
    rmSync(join(outDir, name), { force: true });
    symlinkSync('metricops.js', join(outDir, name));
  }
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
  const sizes = await buildAll(outDir, { version });
  // The image renders with them. Built by the Go toolchain, where the cache does not have them.
  const renderers = await ensurePrograms(['kustomize', 'helm'], {
    log: (line) => void process.stderr.write(`${line}\n`),
  });
  for (const [name, path] of Object.entries(renderers)) cpSync(path, join(outDir, name));
  for (const [out, bytes] of sizes) process.stdout.write(`${out.padEnd(16)} ${(bytes / 1024).toFixed(0)} KiB\n`);
}
