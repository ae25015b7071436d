import { chmodSync, cpSync, existsSync, mkdirSync, rmSync, statSync, symlinkSync } from 'node:fs';
import { join } from 'node:path';
import { build } from 'esbuild';

const root = join(import.meta.dirname, '..');

/** What ships: one file each. A source that does not exist (yet) is left out. */
const BUNDLES = [
  { out: 'controller.js', entry: 'src/main.ts' },
  { out: 'git-worker.js', entry: 'src/git/worker.ts' },
  { out: 'metricops.js', entry: 'src/cli/main.ts' },
  { out: 'sidecar.js', entry: 'sidecar/main.ts' },
  { out: 'shop/shop.js', entry: 'examples/shop/app/shop.ts' },
] as const;

export type Bundle = (typeof BUNDLES)[number]['out'];

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
      format: 'esm',
      // The sidecar is read by an interpreter at every start of a pod; the others by people with a stack trace.
      minify: out === 'sidecar.js',
      keepNames: out !== 'sidecar.js',
      legalComments: 'none',
      logLevel: 'error',
      define: { METRICOPS_VERSION: JSON.stringify(version) },
      // CommonJS dependencies call require; an ES module has none of its own.
      ...(out === 'sidecar.js' ? {} : { banner: { js: REQUIRE } }),
    });
    sizes.set(out, statSync(outfile).size);
    if (out === 'metricops.js') addCommandLine(outDir, outfile);
  }
  return sizes;
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

const REQUIRE =
  "import { createRequire as __createRequire } from 'node:module'; const require = __createRequire(import.meta.url);";

if (import.meta.main) {
  const sizes = await buildAll(process.argv[2] ?? join(root, 'dist'));
  for (const [out, bytes] of sizes) process.stdout.write(`${out.padEnd(16)} ${(bytes / 1024).toFixed(0)} KiB\n`);
}
