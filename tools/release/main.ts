import { existsSync, readdirSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { createProgress } from '../demo/progress.ts';
import { readSigningKey } from './checksums.ts';
import { ReleaseError } from './process.ts';

const ROOT = join(import.meta.dirname, '../..');

const HELP = `Usage: npm run release -- VERSION --out DIR [options]

Builds all that a release of metricops has into DIR: images for amd64 and arm64, install.yaml, the Helm chart, the command
line for Linux and macOS with its completion and a krew manifest, the list of materials (SBOM), licence notices,
changelog and checksums. Nothing is pushed. It needs Linux on amd64 or arm64, root, Go, and the npm registry and Debian's
packages; what it downloads and compiles is kept, so that the next time takes less.

  VERSION           as in Semantic Versioning, without a v: 1.2.0, 1.3.0-rc.1
  --out DIR         where the files go; it must be empty, or not there
  --registry NAME   where you will push the images, such as registry.example.com/team: install.yaml, the chart and
                    metricops install name them there, by digest. Without it they name none, and whoever installs does
  --url ADDRESS     where the files of DIR will be downloaded from: the krew manifest names them there
  --key FILE        sign the checksums with this Ed25519 key (PEM): openssl genpkey -algorithm ed25519 -out release.key
  --since REVISION  begin the changelog after it; by default after the newest tag v* of an earlier version
  --dirty           build although the tree has changes that no commit has
  --keep-work       leave the folder with everything in between, and say where it is
`;

const VERSION = /^(0|[1-9]\d*)\.(0|[1-9]\d*)\.(0|[1-9]\d*)(-[0-9A-Za-z-]+(\.[0-9A-Za-z-]+)*)?$/;

const readOptions = () => {
  const { values, positionals } = parseArgs({
    allowPositionals: true,
    options: {
      out: { type: 'string' },
      registry: { type: 'string' },
      url: { type: 'string' },
      key: { type: 'string' },
      since: { type: 'string' },
      dirty: { type: 'boolean', default: false },
      'keep-work': { type: 'boolean', default: false },
      help: { type: 'boolean', short: 'h' },
    },
  });
  if (values.help) {
    process.stdout.write(HELP);
    process.exit(0);
  }
  const [version, ...others] = positionals;
  const see = 'npm run release -- --help';
  if (version === undefined || others.length > 0) throw new ReleaseError('One VERSION is needed.', see);
  if (!VERSION.test(version)) throw new ReleaseError(`"${version}" is no version such as 1.2.0 or 1.3.0-rc.1.`, see);
  const { out, registry, url, key, since, dirty, 'keep-work': keepWork } = values;
  if (out === undefined) throw new ReleaseError('--out DIR is missing: the folder that the files go to.', see);
  const outDir = resolve(out);
  if (existsSync(outDir) && readdirSync(outDir).length > 0)
    throw new ReleaseError(
      `${outDir} is not empty, and a release must hold nothing else.`,
      'Name another folder, or remove that one.',
    );
  if (registry !== undefined && !/^[a-z0-9.:-]+(\/[a-z0-9._-]+)*$/.test(registry))
    throw new ReleaseError(`--registry ${registry} is no name such as registry.example.com/team.`, see);
  if (url !== undefined && !/^https?:\/\//.test(url))
    throw new ReleaseError(`--url ${url} is no https:// address.`, see);
  return {
    version,
    outDir,
    registry,
    url,
    key: key === undefined ? undefined : readSigningKey(key),
    since,
    dirty,
    keepWork,
  };
};

try {
  const options = readOptions();
  process.umask(0o022); // who builds it changes no file of an image
  const { buildRelease } = await import('./release.ts'); // whoever mistyped does not wait for a bundler
  const progress = createProgress();
  await buildRelease(ROOT, options, progress);
  const { outDir, registry, url, key } = options;
  progress.say(`the release is in ${outDir}`);
  if (registry === undefined)
    progress.say('install.yaml and the chart name no image that a cluster can pull: --registry');
  if (url === undefined) progress.say('the krew manifest has no addresses: --url');
  if (key === undefined) progress.say('the checksums are not signed: --key');
} catch (error) {
  if (!(error instanceof Error)) throw error;
  const isUsage = (error as NodeJS.ErrnoException).code?.startsWith('ERR_PARSE_ARGS') === true;
  if (!isUsage && !(error instanceof ReleaseError)) throw error;
  const next = error instanceof ReleaseError ? error.next : 'npm run release -- --help';
  process.stderr.write(`error: ${error.message}\n  → ${next}\n`);
  process.exitCode = isUsage ? 2 : 1;
}
