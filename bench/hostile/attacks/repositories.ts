import { randomBytes } from 'node:crypto';
import { createServer } from 'node:net';
import { startHostileGit } from '../../../test/support/hostile-git.ts';
import { appending, commitOf, oidOf, type PackEntry, packOf } from '../../../test/support/packs.ts';
import { startGitServer } from '../../../tools/lib/git-server.ts';
import type { Attack } from './index.ts';
import { again, clientOf, createSync } from './tenant.ts';

const MIB = 2 ** 20;

const configMap = (name: string, value: string): string =>
  JSON.stringify({ apiVersion: 'v1', kind: 'ConfigMap', metadata: { name }, data: { value } });

/** Eight repositories of 40 MB, all of which are to be fetched at once, as at the start of a leader. */
const largeRepositories: Attack = async (target, say) => {
  const client = await clientOf(target);
  const git = await startGitServer();
  const repositories = Array.from({ length: 8 }, (_, i) => git.repository(`large-${i}`));
  for (const [i, repository] of repositories.entries()) {
    repository.git('config', 'core.compression', '0'); // nothing of it can be compressed, and trying takes long
    const parts = Array.from({ length: 10 }, (_, p) => [`asset-${p}`, randomBytes(3 * MIB).toString('base64')]);
    repository.commit({ 'app/all.yaml': configMap(`large-${i}`, 'first'), ...Object.fromEntries(parts) });
  }
  for (const [i, { url }] of repositories.entries())
    await createSync(client, target, `large-${i}`, { source: { git: { url } }, path: 'app' });
  await again(
    5_000,
    async (n) => {
      const asset = { [`new-${n % 3}`]: randomBytes(3 * MIB).toString('base64') };
      repositories[n % repositories.length]?.commit({ 'app/all.yaml': configMap('large', String(n)), ...asset });
    },
    say,
  );
};

/**
 * A chain of deltas on a large file, of a few bytes on the wire: once more than the bounds allow, and once as much as
 * they just let through, with a new commit each five seconds.
 */
const deltaChain: Attack = async (target, say) => {
  const client = await clientOf(target);
  const hostile = await startHostileGit();
  const chain = (bytes: number, length: number, seed: number) => {
    const base = Buffer.alloc(bytes, '#');
    const deltas = Array.from({ length }, (_, i): PackEntry => ({ delta: appending(bytes + i, 'x'), base: i }));
    const last = oidOf('blob', Buffer.concat([base, Buffer.alloc(length, 'x')]));
    const text = Buffer.from(configMap('small', String(seed)));
    const { commit, entries } = commitOf({ 'a.txt': last, 'b.yaml': oidOf('blob', text) });
    const blob = (content: Buffer): PackEntry => ({ type: 'blob', content });
    return { commit, pack: packOf([blob(base), ...deltas, blob(text), ...entries]) };
  };
  const serve = (seed: number): string[] => [
    hostile.serve('bomb', chain(60_000_000, 30, seed)),
    hostile.serve('heavy', chain(7_900_000, 49, seed)),
  ];
  for (const [i, url] of serve(0).entries())
    await createSync(client, target, `chain-${i}`, { source: { git: { url } } });
  await again(5_000, async (n) => serve(n + 1), say);
};

const PORTS = 64;

/** Servers that take a connection and never answer, each on a port of its own: each a host of its own. */
const hangingHosts: Attack = async (target, say) => {
  const client = await clientOf(target);
  let taken = 0;
  for (let i = 0; i < PORTS; i += 1) {
    const server = createServer(() => {
      taken += 1;
    }).listen(0, '127.0.0.1');
    await new Promise((resolve) => server.once('listening', resolve));
    const { port } = server.address() as { port: number };
    await createSync(client, target, `hanging-${i}`, {
      source: { git: { url: `http://127.0.0.1:${port}/hangs.git` } },
      timeout: '24h',
    });
  }
  await again(5_000, async () => say(`${taken} connections taken`), say);
};

/** A repository of few bytes on the wire that is much to render. */
const render =
  (files: (seed: number) => Record<string, string>): Attack =>
  async (target, say) => {
    const client = await clientOf(target);
    const git = await startGitServer();
    const repository = git.repository('render');
    repository.commit(files(0));
    for (let i = 0; i < 4; i += 1)
      await createSync(client, target, `render-${i}`, { source: { git: { url: repository.url } } });
    await again(5_000, async (n) => repository.commit(files(n + 1)), say);
  };

/** A ConfigMap of so many bytes, in many short lines. */
const longConfigMap = (name: string, bytes: number): string =>
  `apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: ${name}\ndata:\n  text: |\n${'    a: line\n'.repeat(bytes / 12)}`;

const hugeKustomize = render((seed) => ({
  'kustomization.yaml': `resources: [all.yaml]\ncommonAnnotations: {seed: "${seed}"}\n`,
  'all.yaml': longConfigMap('huge', 7.9 * MIB),
}));

const hugeYaml = render((seed) =>
  Object.fromEntries(
    Array.from({ length: 8 }, (_, i) => [`part-${i}.yaml`, longConfigMap(`huge-${i}-${seed}`, 3.5 * MIB)]),
  ),
);

export const repositories: Record<string, Attack> = {
  'delta-chain': deltaChain,
  'large-repositories': largeRepositories,
  'hanging-hosts': hangingHosts,
  'huge-kustomize': hugeKustomize,
  'huge-yaml': hugeYaml,
};
