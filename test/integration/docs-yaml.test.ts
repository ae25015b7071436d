import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { globSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { dump, loadAll } from 'js-yaml';
import { describe, it } from 'mocha';
import type { KubeObject } from '../../src/api/meta.ts';
import { ensurePrograms } from '../../tools/cluster/build.ts';
import { ensureDebianPackages } from '../../tools/cluster/debian.ts';
import { useControlPlane } from '../support/cluster.ts';

const ROOT = join(import.meta.dirname, '../..');

interface Block {
  /** `README.md:33` */
  at: string;
  text: string;
  /** Why it is not applied: an HTML comment before it says so. */
  skipped: string | undefined;
}

/** ```yaml blocks in order; `<!-- not applied: REASON -->` in the line before one skips it. */
const blocksOf = (path: string): Block[] => {
  const page = readFileSync(join(ROOT, path), 'utf8');
  return [...page.matchAll(/(?:<!-- not applied: ([^\n]+) -->\n)?```yaml\n(.*?)```/gs)].map((match) => ({
    at: `${path}:${page.slice(0, match.index).split('\n').length}`,
    text: match[2] ?? '',
    skipped: match[1],
  }));
};

/** What a block is: by its top-level fields, or values of the chart as its first line says. */
const kindOf = (text: string): 'objects' | 'kustomization' | 'alertmanager' | 'values' | 'unknown' => {
  if (text.startsWith('# values.yaml\n')) return 'values';
  const documents = loadAll(text).filter((one) => one !== null) as Record<string, unknown>[];
  if (documents.length > 0 && documents.every(({ apiVersion, kind }) => apiVersion && kind)) return 'objects';
  const [first = {}] = documents;
  if ('resources' in first || 'patches' in first) return 'kustomization';
  return 'receivers' in first ? 'alertmanager' : 'unknown';
};

describe('every YAML block of the documents', () => {
  const plane = useControlPlane();

  /** As `kubectl apply --server-side`, in a namespace of the test. */
  const applies = async (text: string): Promise<void> => {
    const { client, discovery } = plane();
    const namespace = await plane().namespace('docs');
    for (const object of loadAll(text) as KubeObject[]) {
      const type = await discovery.find(object.apiVersion, object.kind);
      assert.ok(type, `${object.kind} of ${object.apiVersion} is served`);
      const metadata = type.namespaced ? { ...object.metadata, namespace } : object.metadata;
      await client.apply(type, { ...object, metadata }, { fieldManager: 'kubectl', dryRun: true });
    }
  };

  /** An overlay beside a checkout that is called `metricops`, as the README says; every value in it ends up in what is built. */
  const builds = (text: string): void => {
    const dir = mkdtempSync(join(tmpdir(), 'metricops-docs-'));
    try {
      symlinkSync(ROOT, join(dir, 'metricops'));
      const resources = /^resources:/m.test(text) ? '' : 'resources: [./metricops]\n';
      writeFileSync(join(dir, 'kustomization.yaml'), `${resources}${text}`);
      const built = plane().kubectl(['kustomize', dir]);
      for (const [, value = ''] of text.matchAll(/value: "?([^"\s}\]]+)/g)) assert.ok(built.includes(value), value);
      for (const [, name, tag] of text.matchAll(/newName: (\S+)\n\s+newTag: (\S+)/g))
        assert.ok(built.includes(`image: ${name}:${tag}`), name);
    } finally {
      rmSync(dir, { recursive: true });
    }
  };

  /** With a route, without which a configuration is none. */
  const isTakenByAlertmanager = async (text: string): Promise<void> => {
    await ensureDebianPackages(['prometheus-alertmanager'], (line) => process.stderr.write(`    ${line}\n`));
    const dir = mkdtempSync(join(tmpdir(), 'metricops-docs-'));
    try {
      const [config = {}] = loadAll(text) as { route?: object; receivers?: { name: string }[] }[];
      const route = config.route ?? { receiver: config.receivers?.[0]?.name };
      writeFileSync(join(dir, 'alertmanager.yaml'), dump({ route, ...config }));
      execFileSync('amtool', ['check-config', join(dir, 'alertmanager.yaml')], { encoding: 'utf8', stdio: 'pipe' });
    } finally {
      rmSync(dir, { recursive: true });
    }
  };

  /** By the schema of charts/metricops, which knows every value, and by its templates. */
  const areTakenByTheChart = async (text: string): Promise<void> => {
    const { helm } = await ensurePrograms(['helm'], { log: (line) => void process.stderr.write(`    ${line}\n`) });
    const chart = join(ROOT, 'charts/metricops');
    const args = ['template', 'metricops', chart, '--kube-version', '1.34.0', '--values', '-'];
    const written = execFileSync(helm, args, { input: text, encoding: 'utf8', stdio: 'pipe' });
    for (const [, value = ''] of text.matchAll(/(?:name|value): "?([^"\s},]+)/g))
      assert.ok(written.includes(value), value);
  };

  const pages = ['README.md', ...globSync('docs/**/*.md', { cwd: ROOT }).toSorted()];
  const blocks = pages.flatMap(blocksOf);

  it('is one of at least five', () => assert.ok(blocks.length >= 5, `${blocks.length}`));

  for (const { at, text, skipped } of blocks) {
    if (skipped !== undefined) {
      it(`is explained where it is not applied: ${at}`, () => assert.ok(skipped.length > 10, skipped));
      continue;
    }
    it(`is taken by what it is for: ${at}`, async () => {
      const kind = kindOf(text);
      if (kind === 'objects') return applies(text);
      if (kind === 'kustomization') return builds(text);
      if (kind === 'values') return areTakenByTheChart(text);
      const what = 'neither objects, an overlay, values of the chart nor a receiver';
      assert.equal(kind, 'alertmanager', `${at}: ${what}; say "not applied: why"`);
      await isTakenByAlertmanager(text);
    });
  }
});
