import assert from 'node:assert/strict';
import { describe, it } from 'mocha';
import { annotations } from '../api/annotations.ts';
import { type GitSyncSet, gitSyncSetSpec } from '../api/gitsyncset.ts';
import { generate, MAX_SYNCS } from './generate.ts';
import type { Found, Generated } from './types.ts';

const url = 'https://git.example.com/mono.git';

const source = { git: { url } };

/** Of one generator, or of several. */
const setOf = (
  generators: object | readonly object[],
  {
    name = '{{name}}',
    spec = {},
    ...more
  }: { name?: string; spec?: object; labels?: object; annotations?: object } = {},
  metadata: Partial<GitSyncSet['metadata']> = {},
): GitSyncSet => ({
  apiVersion: 'metricops.dev/v1alpha1',
  kind: 'GitSyncSet',
  metadata: { namespace: 'shop', name: 'all', uid: 'set-uid', ...metadata },
  spec: gitSyncSetSpec.parse({ generators: [generators].flat(), template: { metadata: { name, ...more }, spec } }),
});
const made = (set: GitSyncSet, ...found: Found[]): Generated =>
  generate(set, { systemNamespace: 'metricops-system', found });
const names = ({ syncs }: Generated): string[] => syncs.map((s) => `${s.metadata.namespace}/${s.metadata.name}`);
const words = ({ problems }: Generated): string[] => problems.map((p) => `${p.reason}: ${p.message}`);
const list = (...entries: (string | { name: string; values: Record<string, string> })[]): object => ({
  list: entries.map((e) => (typeof e === 'string' ? { name: e } : e)),
});

describe('a GitSyncSet generates', () => {
  it('a GitSync for each folder, from the generator’s repository and the folder', () => {
    const verify = { mode: 'Tag', secretRef: { name: 'signers' } };
    const git = { url, secretRef: { name: 'git' }, ref: { tag: 'v1' }, verify };
    const folders = { source: { git }, pattern: 'clusters/*/*' };
    const template = { name: '{{basename}}-{{segment1}}', spec: { targetNamespace: '{{basename}}' } };
    const { syncs, problems } = made(setOf({ folders }, template), { folders: ['clusters/eu/web', 'clusters/us/web'] });
    assert.deepEqual(problems, []);
    assert.deepEqual(
      syncs.map(({ metadata, spec }) => [metadata.name, spec]),
      ['eu', 'us'].map((cluster) => [
        `web-${cluster}`,
        {
          source: { git },
          path: `clusters/${cluster}/web`,
          targetNamespace: 'web',
        },
      ]),
    );
  });

  it('with the template’s own repository and path where it has them, and takes the credentials to no other', () => {
    const git = { url, secretRef: { name: 'git' }, ref: { tag: 'v1' } };
    const folders = { source: { git }, pattern: 'apps/*' };
    const other = { source: { git: { url: 'https://other.example.com/{{name}}.git' } }, path: 'deploy' };
    const own = made(setOf({ folders }, { spec: other }), { folders: ['apps/web'] });
    assert.deepEqual(own.syncs[0]?.spec, {
      source: { git: { url: 'https://other.example.com/web.git' } },
      path: 'deploy',
    });
    const next = { source: { git: { ref: { branch: 'next' } } } };
    const branch = made(setOf({ folders }, { spec: next }), { folders: ['apps/web'] });
    assert.deepEqual(branch.syncs[0]?.spec, {
      source: { git: { ...git, ref: { branch: 'next' } } },
      path: 'apps/web',
    });
  });

  it('a GitSync for each entry, with its values in spec, labels and annotations', () => {
    const template = {
      name: 'team-{{name}}',
      labels: { team: '{{name}}' },
      annotations: { contact: '{{values.mail}}' },
      spec: { source: { git: { url: '{{values.url}}' } }, path: 'deploy', dependsOn: [{ name: '{{values.after}}' }] },
    };
    const values = { url, mail: 'blue@example.com', after: 'base' };
    const { syncs } = made(setOf(list({ name: 'blue', values }), template));
    const [sync] = syncs;
    assert.equal(sync?.metadata.name, 'team-blue');
    assert.deepEqual(sync.metadata.labels, { team: 'blue', 'metricops.dev/sync-set': 'all' });
    assert.equal(sync.metadata.annotations?.contact, 'blue@example.com');
    assert.deepEqual(sync.spec, { source, path: 'deploy', dependsOn: [{ name: 'base' }] });
    assert.deepEqual(sync.metadata.ownerReferences, [
      { apiVersion: 'metricops.dev/v1alpha1', kind: 'GitSyncSet', name: 'all', uid: 'set-uid', controller: true },
    ]);
  });

  it('a GitSync in each namespace, found by labels, for an owner elsewhere would have it collected', () => {
    const set = setOf(
      { namespaces: { matchLabels: { team: 'true' } } },
      { name: 'base', spec: { source, path: 'tenants/{{namespace}}' } },
      { namespace: 'metricops-system' },
    );
    const { syncs } = made(set, { namespaces: ['blue', 'metricops-system'] });
    const [blue, own] = syncs;
    assert.deepEqual(names({ syncs, problems: [] }), ['blue/base', 'metricops-system/base']);
    assert.equal(blue?.spec.path, 'tenants/blue');
    assert.deepEqual(blue.metadata.labels, {
      'metricops.dev/sync-set': 'all',
      'metricops.dev/sync-set-namespace': 'metricops-system',
    });
    assert.equal(blue.metadata.ownerReferences, undefined);
    assert.equal(own?.metadata.ownerReferences?.[0]?.uid, 'set-uid');
  });

  it('nothing in other namespaces, unless it is in the controller’s own', () => {
    const set = setOf({ namespaces: { matchLabels: { team: 'true' } } }, { spec: { source } });
    const result = made(set, { namespaces: ['blue'] });
    assert.deepEqual(names(result), []);
    assert.match(words(result).join(), /^NamespaceRefused: only a GitSyncSet in namespace metricops-system/);
    assert.equal(result.problems[0]?.sync, undefined);
  });

  it('the others when one is not valid, and names that one', () => {
    const template = { spec: { source, interval: '{{values.interval}}' } };
    const result = made(
      setOf(
        list(
          { name: 'a', values: { interval: '1m' } },
          { name: 'b', values: { interval: 'soon' } },
          { name: 'c', values: {} },
        ),
        template,
      ),
    );
    assert.deepEqual(names(result), ['shop/a']);
    assert.match(words(result)[0] ?? '', /^InvalidTemplate: GitSync shop\/b \(entry b\): spec\.interval: /);
    assert.match(words(result)[1] ?? '', /GitSync shop\/c \(entry c\): nothing stands for \{\{values\.interval\}\}/);
    assert.deepEqual(
      result.problems.map((p) => p.sync?.name),
      ['b', 'c'],
    );
  });

  it('nothing under a name that is none, and says for which entry', () => {
    const result = made(setOf(list('a', '***'), { name: '{{name}}', spec: { source } }));
    assert.deepEqual(names(result), ['shop/a']);
    assert.match(words(result).join(), /entry \*\*\*: template\.metadata\.name: "\*\*\*" has neither letter nor digit/);
    const unknown = made(setOf(list('a'), { name: '{{nmae}}', spec: { source } }));
    assert.match(
      words(unknown).join(),
      /entry a: template\.metadata\.name: nothing stands for \{\{nmae\}\}; there are name/,
    );
    assert.equal(unknown.problems[0]?.sync, undefined);
  });

  it('neither of two with the same name, and names both', () => {
    const result = made(setOf(list('Web', 'web', 'api'), { spec: { source } }));
    assert.deepEqual(names(result), ['shop/api']);
    assert.deepEqual(words(result), ['NameCollision: entry Web and entry web both make GitSync shop/web']);
    assert.deepEqual(result.problems[0]?.sync, { namespace: 'shop', name: 'web' });
  });

  it('what any of its generators finds, and neither of two that name the same GitSync', () => {
    const folders = { source, pattern: 'apps/*' };
    const set = setOf([{ folders }, list('api', 'web')], { spec: { source, interval: '{{name}}m' } });
    const result = made(setOf([{ folders }, list('api', 'web')], { spec: { source } }), {
      folders: ['apps/web', 'apps/db'],
    });
    assert.deepEqual(names(result), ['shop/db', 'shop/api']);
    assert.deepEqual(words(result), ['NameCollision: folder apps/web and entry web both make GitSync shop/web']);
    assert.equal(made(set).problems.length, 2);
  });

  it('what the others find where one generator can not be read, and says so of none in particular', () => {
    const problem = { reason: 'RepositoryUnreachable', message: 'connection refused', transient: true } as const;
    const set = setOf([{ folders: { source, pattern: 'apps/*' } }, list('api')], { spec: { source } });
    const result = made(set, { problem });
    assert.deepEqual(names(result), ['shop/api']);
    assert.deepEqual(result.problems, [problem]); // without a name, so that nothing is deleted
  });

  it('no field that neither template nor generator says: what people set there is theirs', () => {
    const { syncs } = made(setOf(list('a'), { spec: { source } }));
    assert.deepEqual(syncs[0]?.spec, { source });
  });

  it('the same hash for the same GitSync, and another one for another', () => {
    const hash = (spec: Record<string, unknown>): string | undefined =>
      made(setOf(list('a'), { spec })).syncs[0]?.metadata.annotations?.[annotations.setHash];
    assert.equal(hash({ source, path: 'a' }), hash({ path: 'a', source }));
    assert.notEqual(hash({ source, path: 'a' }), hash({ source }));
  });

  it('nothing when a pattern matches too much', () => {
    const folders = Array.from({ length: MAX_SYNCS + 1 }, (_, i) => `apps/a${i}`);
    const result = made(setOf({ folders: { source, pattern: 'apps/*' } }), { folders });
    assert.match(words(result).join(), /^TooManyGenerated: 10001 GitSyncs/);
    assert.deepEqual(names(result), []);
  });

  it('2,000 GitSyncs in a blink', () => {
    const folders = Array.from({ length: 2000 }, (_, i) => `apps/a${i}`);
    const started = process.cpuUsage();
    assert.equal(made(setOf({ folders: { source, pattern: 'apps/*' } }), { folders }).syncs.length, 2000);
    assert.ok(process.cpuUsage(started).user / 1000 < 2000);
  });
});
