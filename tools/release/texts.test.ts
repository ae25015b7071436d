import assert from 'node:assert/strict';
import { describe, it } from 'mocha';
import { changelogOf } from './changelog.ts';
import { type Component, noticesOf } from './components.ts';
import { krewManifest } from './manifests.ts';
import { sbomOf } from './sbom.ts';

describe('the changelog of a release', () => {
  const commit = (subject: string, body = '') => ({
    hash: `${subject.length}`.padStart(2, '0').repeat(20),
    subject,
    body,
  });

  it('has what was added, fixed and made faster, and counts what nobody notices', () => {
    const commits = [
      commit('feat(cli): completion for fish'),
      commit('fix: a typo of the clock'),
      commit('perf(sync): half the requests'),
      commit('docs: a line less'),
      commit('Merge of something'),
    ];
    assert.equal(
      changelogOf('1.2.0', '2026-01-31', commits),
      `# metricops 1.2.0 (2026-01-31)

## Added

- **cli:** completion for fish (30303030)

## Fixed

- a typo of the clock (24242424)

## Faster

- **sync:** half the requests (29292929)

2 more commits change documentation, tests, the build or nothing that shows.
`,
    );
  });

  it('begins with what breaks, by its mark or by its words, and says what to do', () => {
    const words = 'BREAKING CHANGE: rename the field\nin your manifests\n\nMore.';
    const text = changelogOf('2.0.0', '2026-01-31', [commit('feat!: another name'), commit('fix: a field', words)]);
    const [, breaking = ''] = /## Breaking\n\n([\s\S]*?)\n\n## Added/.exec(text) ?? [];
    assert.match(breaking, /^- another name \(\d+\)\n- a field \(\d+\): rename the field in your manifests$/);
  });
});

const component = (name: string, more: Partial<Component> = {}): Component => ({
  name,
  version: '1.0.0',
  purl: `pkg:npm/${name}@1.0.0`,
  license: 'MIT',
  texts: [`The licence of ${name}`],
  ...more,
});

describe('the notices of a release', () => {
  it('have the text of every licence once, with the names of all that it is of', () => {
    const shared = ['The licence of many'];
    const notices = noticesOf([component('a', { texts: shared }), component('b', { texts: shared }), component('c')]);
    assert.equal(notices.split('The licence of many').length, 2);
    assert.match(notices, /\na 1\.0\.0\nb 1\.0\.0\n-+\n\nThe licence of many\n/);
    assert.match(notices, /\nc 1\.0\.0\n-+\n\nThe licence of c\n/);
  });

  it('name the licence of a package that has no text of it', () => {
    assert.match(noticesOf([component('a', { texts: [] })]), /a has the licence MIT; its package has no text of it\./);
  });
});

describe('the list of materials of a release', () => {
  it('has each component once, and says in which products it is', () => {
    const both = component('both');
    const products = [
      { name: 'image', type: 'container', components: [both, component('of-the-image')] },
      { name: 'program', type: 'application', components: [both, both] },
    ] as const;
    const bom = JSON.parse(sbomOf('1.2.0', 0, products)) as {
      components: { name: string; licenses?: unknown }[];
      dependencies: { ref: string; dependsOn: string[] }[];
    };
    assert.deepEqual(
      bom.components.map(({ name }) => name),
      ['image', 'program', 'both', 'of-the-image'],
    );
    assert.deepEqual(bom.dependencies.at(-1), { ref: 'program@1.2.0', dependsOn: [both.purl] });
  });

  it('gives a licence as CycloneDX wants it: a name, or an expression', () => {
    const licences = (license: string): unknown => {
      const products = [{ name: 'it', type: 'application', components: [component('a', { license })] }] as const;
      const { components } = JSON.parse(sbomOf('1.2.0', 0, products)) as { components: { licenses?: unknown }[] };
      return components.at(-1)?.licenses;
    };
    assert.deepEqual(licences('MIT'), [{ license: { id: 'MIT' } }]);
    assert.deepEqual(licences('MIT OR Apache-2.0'), [{ expression: 'MIT OR Apache-2.0' }]);
  });
});

describe('the manifest for krew', () => {
  const download = { os: 'linux', arch: 'amd64', file: 'metricops_1.2.0_linux_amd64.tar.gz', sha256: 'ab' };

  it('has the addresses of the archives, or says that it has none', () => {
    const url = 'https://example.com/v1.2.0/';
    assert.match(krewManifest('1.2.0', [download], url), /uri: https:\/\/example\.com\/v1\.2\.0\/metricops_1/);
    assert.match(krewManifest('1.2.0', [download], undefined), /^# .* no address .*\n.* --archive=/);
  });
});
