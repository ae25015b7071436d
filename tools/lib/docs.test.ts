import assert from 'node:assert/strict';
import { globSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { load, loadAll } from 'js-yaml';
import { describe, it } from 'mocha';
import { annotations, GROUP } from '../../src/api/annotations.ts';
import { kinds } from '../../src/api/crd.ts';
import { createMetrics } from '../../src/telemetry/index.ts';

const ROOT = join(import.meta.dirname, '../..');
const read = (path: string): string => readFileSync(join(ROOT, path), 'utf8');
const README = read('README.md');

interface Package {
  license?: string;
  dependencies?: Record<string, string>;
}

describe('the documents', () => {
  it('are all in the index', () => {
    const index = read('docs/README.md');
    const pages = globSync('docs/*.md', { cwd: ROOT }).map((path) => path.replace('docs/', ''));
    assert.deepEqual(
      pages.filter((page) => page !== 'README.md' && !index.includes(`(${page})`)),
      [],
    );
    assert.ok(README.includes('(docs/README.md)'));
  });

  it('name every setting of the controller, and none that it does not read', () => {
    const named = [...read('docs/operations.md').matchAll(/^\| `(METRICOPS_[A-Z_]+)` \|/gm)].map(([, name]) => name);
    const settings = read('src/settings.ts');
    assert.deepEqual(
      named.filter((name) => !settings.includes(`${name}:`)),
      [],
    );
    const configured = load(read('deploy/config.yaml')) as { data: Record<string, string> };
    assert.deepEqual(
      Object.keys(configured.data).filter((name) => !named.includes(name)),
      [],
    );
  });

  it('name every package that ships, with its licence', () => {
    const text = read('docs/dependencies.md');
    const { dependencies = {} } = JSON.parse(read('package.json')) as Package;
    for (const name of Object.keys(dependencies)) {
      const line = text.split('\n').find((each) => each.includes(`\`${name}\``)) ?? '';
      const { license = '' } = JSON.parse(read(`node_modules/${name}/package.json`)) as Package;
      assert.ok(line.includes(license), `${name} has the licence ${license}`);
    }
    for (const [, name = ''] of text.matchAll(/^\| `([^`]+)`/gm))
      assert.ok(name in dependencies, `${name} does not ship`);
  });
});

describe('the YAML of', () => {
  interface Manifest {
    apiVersion?: string;
    kind?: string;
    spec?: unknown;
  }
  const manifestsIn = (page: string): Manifest[] =>
    [...read(page).matchAll(/```yaml\n([\s\S]*?)```/g)].flatMap(([, text = '']) => loadAll(text) as Manifest[]);

  for (const page of ['README.md', ...globSync('docs/*.md', { cwd: ROOT }).toSorted()])
    it(`${page} can be read, and objects of ours in it are valid`, () => {
      for (const { apiVersion, kind, spec } of manifestsIn(page))
        if (apiVersion?.startsWith(GROUP)) kinds.find((each) => each.kind === kind)?.spec.parse(spec);
    });

  it('README.md has objects of ours', () => {
    assert.ok(manifestsIn('README.md').filter(({ apiVersion }) => apiVersion?.startsWith(GROUP)).length > 1);
  });
});

describe('README.md', () => {
  it('names annotations and metrics that exist', () => {
    const known = new Set(Object.values(annotations) as string[]);
    for (const [, name = ''] of README.matchAll(/`(metricops\.dev\/[a-z-]+)[:`=]/g)) assert.ok(known.has(name), name);
    const metrics = createMetrics().registry.getMetricsAsArray() as unknown as { name: string }[];
    for (const [, name = ''] of README.matchAll(/`(metricops_[a-z_]+)/g))
      assert.ok(
        metrics.some((metric) => metric.name === name),
        name,
      );
  });

  it('names the ports of the controller', () => {
    const ports = [...read('deploy/controller.yaml').matchAll(/containerPort: ([0-9]+)/g)].map(([, port]) => port);
    assert.deepEqual([...README.matchAll(/^\| ([0-9]{4}) \|/gm)].map(([, port]) => port).toSorted(), ports.toSorted());
  });

  it('names files of the overlay that exist', () => {
    for (const path of ['deploy/first', 'deploy/crds'])
      assert.ok((load(read(`${path}/kustomization.yaml`)) as { resources: string[] }).resources.length > 0);
  });
});

describe('decisions', () => {
  const pages = globSync('docs/decisions/*.md', { cwd: ROOT }).toSorted();

  it('have a number each', () => {
    const numbers = pages.map((path) => Number(/([0-9]{4})-/.exec(path)?.[1]));
    assert.deepEqual(numbers, [...new Set(numbers)]);
    for (const [i, path] of pages.entries()) assert.match(read(path), new RegExp(`^# ${numbers[i]}\\. `), path);
  });

  for (const path of pages.filter((each) => (/([0-9]{4})-/.exec(each)?.[1] ?? '') >= '0016')) {
    it(`say context, decision and consequences, in lines of 120: ${path}`, () => {
      const lines = read(path).split('\n');
      assert.deepEqual(
        lines.filter((line) => line.startsWith('## ')),
        ['## Context', '## Decision', '## Consequences'],
      );
      for (const line of lines) assert.ok(line.length <= 120, line);
    });
  }
});
