import assert from 'node:assert/strict';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, it } from 'mocha';
import { generated } from '../generate.ts';
import { compare, type Feature, features, type OwnClaim, type UnprovenMark, unproven } from './index.ts';

const ROOT = join(import.meta.dirname, '../..');

const feature = (name: string, ours: OwnClaim): Feature => ({ area: 'Area', name, ours });
const test = { file: 'a.test.ts', title: 'does it' };

// @ts-expect-error: a mark without a test does not compile
const _unshown: OwnClaim = { mark: 'yes' };

describe('the comparison', () => {
  it('is committed as it is generated', () => {
    for (const path of ['compare', 'sizing', 'metrics', 'cli', 'http-api'].map((page) => `docs/${page}.md`))
      assert.equal(readFileSync(join(ROOT, path), 'utf8'), generated().get(path), `${path}: npm run generate`);
  });

  it('has one row for a feature, and one section for an area', () => {
    const names = features.map((f) => `${f.area}: ${f.name}`);
    assert.equal(new Set(names).size, names.length);
    const changes = features.filter((f, i) => f.area !== features[i - 1]?.area).map((f) => f.area);
    assert.equal(new Set(changes).size, changes.length);
  });

  for (const { area, name, ours } of features) {
    if (ours.mark === 'no') continue;
    it(`names a test that exists: ${area}, ${name}`, () => {
      const { file, title } = ours.test;
      assert.ok(existsSync(join(ROOT, file)), `no file ${file}`);
      const text = readFileSync(join(ROOT, file), 'utf8');
      assert.ok(
        [`'`, '"', '`'].some((quote) => text.includes(`it(${quote}${title}${quote},`)),
        `${file} has no test "${title}"`,
      );
    });
  }

  it('draws marks, links and notes; what is not known and what does not apply have signs of their own', () => {
    const text = compare([
      {
        area: 'Area',
        name: 'a | b',
        flux: { mark: 'partly', note: 'by flag', page: 'https://example.com/' },
        ours: { mark: 'yes', test, note: 'always' },
      },
      { area: 'Area', name: 'c', flux: { mark: 'n/a' }, argo: { mark: 'yes' }, ours: { mark: 'no', note: 'planned' } },
    ]);
    assert.deepEqual(text.split('\n').slice(text.split('\n').indexOf('## Area')), [
      '## Area',
      '',
      '| | Flux | Argo CD | metricops |',
      '|---|---|---|---|',
      '| a \\| b | [partly](https://example.com/): by flag | ? | [yes](../a.test.ts): “does it”; always |',
      '| c | – | yes | no: planned |',
      '',
    ]);
  });

  it('has columns for Flagger and Argo Rollouts where an area says something about them', () => {
    const ours: OwnClaim = { mark: 'no' };
    const text = compare([
      { area: 'Canary', name: 'a', flagger: { mark: 'yes' }, ours },
      { area: 'Canary', name: 'b', ours },
      { area: 'Git', name: 'c', ours },
    ]);
    assert.match(text, /## Canary\n\n\| \| Flux \| Argo CD \| Flagger \| Argo Rollouts \| metricops \|/);
    assert.match(text, /^\| a \| \? \| \? \| yes \| \? \| no \|$/m);
    assert.match(text, /## Git\n\n\| \| Flux \| Argo CD \| metricops \|/);
  });

  it('says which version of each product it is about', () => {
    for (const version of ['Flux 2.9', 'Argo CD 3.5', 'Flagger 1.44', 'Argo Rollouts 1.9', 'November 2026'])
      assert.ok(compare(features).includes(version), version);
  });
});

describe('unproven', () => {
  const rows = [
    feature('shown', { mark: 'yes', test }),
    feature('elsewhere', { mark: 'partly', test: { ...test, file: 'b.test.ts' } }),
    feature('missing', { mark: 'no' }),
  ];
  const names = (found: UnprovenMark[]): string[] => found.map((u) => u.feature.replace('Area: ', ''));

  it('is nothing when every test of a mark passed', () => {
    assert.deepEqual(unproven(rows, [test, { ...test, file: 'b.test.ts' }]), []);
  });

  it('is a mark whose test did not pass, was skipped, or passed under another name or in another file', () => {
    assert.deepEqual(names(unproven(rows, [test, { ...test, file: 'c.test.ts' }])), ['elsewhere']);
    assert.deepEqual(names(unproven(rows, [{ ...test, title: 'does it not' }])), ['shown', 'elsewhere']);
  });

  it('does not judge a mark whose file did not run', () => {
    assert.deepEqual(names(unproven(rows, [], new Set(['b.test.ts']))), ['elsewhere']);
    assert.deepEqual(unproven(rows, [], new Set()), []);
  });

  it('judges all of them when everything ran, even those whose file is in no layer', () => {
    assert.deepEqual(names(unproven(rows, [])), ['shown', 'elsewhere']);
  });
});
