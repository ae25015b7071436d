import assert from 'node:assert/strict';
import { existsSync, globSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
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
  it('link to files that exist', () => {
    for (const path of ['README.md', ...globSync('docs/**/*.md', { cwd: ROOT })]) {
      for (const [, target = ''] of read(path).matchAll(/\]\((?!https?:|#)([^)#\s]+)[^)]*\)/g))
        assert.ok(existsSync(join(ROOT, dirname(path), target)), `${path} links to ${target}`);
    }
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

describe('README.md', () => {
  it('has objects that are valid', () => {
    const objects = [...README.matchAll(/```yaml\n([\s\S]*?)```/g)]
      .flatMap(([, text = '']) => loadAll(text) as { apiVersion?: string; kind?: string; spec?: unknown }[])
      .filter(({ apiVersion }) => apiVersion?.startsWith(GROUP));
    assert.ok(objects.length > 1);
    for (const { kind, spec } of objects) kinds.find((each) => each.kind === kind)?.spec.parse(spec);
  });

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
