import assert from 'node:assert/strict';
import { describe, it } from 'mocha';
import type { GitSync } from '../api/gitsync.ts';
import type { KubeObject } from '../api/meta.ts';
import { type PlatformPolicySpec, platformPolicySpec } from '../api/platform-policy.ts';
import { refusalOfHost, refusalOfObject, refusalOfSync, withPlatformDefaults } from './platform.ts';

const sync = (spec: object = {}, namespace = 'team'): GitSync =>
  ({
    apiVersion: 'metricops.dev/v1alpha1',
    kind: 'GitSync',
    metadata: { namespace, name: 'app' },
    spec: { source: { git: { url: 'https://git.example.com/app.git' } }, ...spec },
  }) as GitSync;
const policy = (spec: object): PlatformPolicySpec => platformPolicySpec.parse(spec);
const object = (apiVersion: string, kind: string, namespace?: string): KubeObject => ({
  apiVersion,
  kind,
  metadata: { name: 'x', ...(namespace === undefined ? {} : { namespace }) },
});

describe('the platform policy', () => {
  it('lets a GitSync write only as a ServiceAccount, its own or the default', () => {
    const locked = policy({ requireServiceAccount: true });
    assert.equal(refusalOfSync(sync(), locked)?.reason, 'ServiceAccountRequired');
    assert.equal(refusalOfSync(sync({ serviceAccountName: 'deployer' }), locked), undefined);
    const completed = withPlatformDefaults(sync(), policy({ defaultServiceAccount: 'deployer' }));
    assert.equal(completed.spec.serviceAccountName, 'deployer');
    const own = withPlatformDefaults(
      sync({ serviceAccountName: 'own' }),
      policy({ defaultServiceAccount: 'deployer' }),
    );
    assert.equal(own.spec.serviceAccountName, 'own');
  });

  for (const [pattern, url, allowed] of [
    ['git.example.com', 'https://git.example.com/x', true],
    ['git.example.com', 'https://git.example.com.evil.org/x', false],
    ['*.example.com', 'https://git.example.com/x', true],
    ['*.example.com', 'https://evilexample.com/x', false],
    ['git.example.com:8443', 'https://git.example.com:8443/x', true],
    ['git.example.com:8443', 'https://git.example.com/x', false],
  ] as const) {
    it(`${allowed ? 'allows' : 'refuses'} ${url} where ${pattern} is allowed`, () => {
      assert.equal(
        refusalOfSync(sync({ source: { git: { url } } }), policy({ allowedHosts: [pattern] }))?.reason,
        allowed ? undefined : 'HostRefused',
      );
    });
  }

  it('says that a mistyped URL is none, with and without a policy, and never throws', () => {
    for (const url of ['https://github.com:org/repo.git', 'http://[', 'https://host:99999/']) {
      const source = { git: { url, ref: { branch: 'main' } } };
      for (const spec of [{}, { allowedHosts: ['github.com'] }, { exemptNamespaces: ['team'] }])
        assert.equal(refusalOfSync(sync({ source }), policy(spec))?.reason, 'InvalidUrl', url);
      assert.equal(refusalOfHost(sync(), source, policy({ allowedHosts: ['github.com'] }))?.reason, 'InvalidUrl');
    }
  });

  it('asks chart repositories and registries on allowed hosts only', () => {
    const from = (repository: string) =>
      sync({ render: { helm: { chart: { repository, name: 'web', version: '1.x' } } } });
    const allowed = policy({ allowedHosts: ['git.example.com', 'ghcr.io', '*.example.org'] });
    for (const [repository, reason] of [
      ['oci://ghcr.io/org/charts', undefined],
      ['https://charts.example.org', undefined],
      ['oci://GHCR.IO/org/charts', undefined],
      ['https://charts.example.com', 'HostRefused'],
      ['oci://ghcr.io.example.com/charts', 'HostRefused'],
      ['https://ghcr.io:charts/', 'InvalidUrl'],
    ] as const)
      assert.equal(refusalOfSync(from(repository), allowed)?.reason, reason, repository);
  });

  it('keeps a GitSync in its own namespace', () => {
    const confined = policy({ restrictToNamespace: true });
    assert.equal(refusalOfObject(sync(), object('v1', 'ConfigMap', 'team'), confined), undefined);
    assert.equal(refusalOfObject(sync(), object('v1', 'ConfigMap', 'other'), confined)?.reason, 'NamespaceRefused');
    assert.equal(refusalOfObject(sync(), object('v1', 'Namespace'), confined)?.reason, 'NamespaceRefused');
  });

  for (const [patterns, refused] of [
    [{ allowedKinds: ['ConfigMap', 'Deployment.apps'] }, ['v1 Secret', 'apps/v1 StatefulSet', 'x.io/v1 ConfigMap']],
    [{ deniedKinds: ['*.rbac.authorization.k8s.io'] }, ['rbac.authorization.k8s.io/v1 Role']],
    [{ allowedKinds: ['*'], deniedKinds: ['Secret'] }, ['v1 Secret']],
  ] as const) {
    it(`refuses by ${JSON.stringify(patterns)} exactly ${refused.join(', ')}`, () => {
      const kinds = ['v1 ConfigMap', 'apps/v1 Deployment', ...refused];
      const found = kinds.filter((text) => {
        const [apiVersion = '', kind = ''] = text.split(' ');
        return refusalOfObject(sync(), object(apiVersion, kind, 'team'), policy(patterns)) !== undefined;
      });
      assert.deepEqual(found, [...refused]);
    });
  }

  it("leaves the platform's own GitSyncs alone", () => {
    const strict = policy({
      requireServiceAccount: true,
      restrictToNamespace: true,
      deniedKinds: ['*'],
      exemptNamespaces: ['team'],
    });
    assert.equal(refusalOfSync(sync(), strict), undefined);
    assert.equal(refusalOfObject(sync(), object('v1', 'Namespace'), strict), undefined);
  });

  it('names no ServiceAccount where it has no default, and none for its own GitSyncs', () => {
    const own = sync();
    assert.equal(withPlatformDefaults(own, policy({})), own);
    assert.equal(withPlatformDefaults(own, policy({ defaultServiceAccount: 'd', exemptNamespaces: ['team'] })), own);
  });

  it('lets a GitSync read where one of several patterns allows it', () => {
    const source = { git: { url: 'https://git.example.com/x' } };
    const allowed = policy({ allowedHosts: ['other.org', 'git.example.com'] });
    assert.equal(refusalOfSync(sync({ source }), allowed), undefined);
  });

  it('says where the object is, and which kind is not allowed, as kubectl names it', () => {
    const confined = policy({ restrictToNamespace: true, deniedKinds: ['Secret', 'Role.rbac.authorization.k8s.io'] });
    const words = (one: KubeObject) => refusalOfObject(sync(), one, confined)?.message;
    assert.equal(
      words(object('v1', 'ConfigMap', 'other')),
      'ConfigMap other/x is in another namespace; GitSyncs of team write to team only',
    );
    assert.equal(words(object('v1', 'Namespace')), 'Namespace x is cluster-wide; GitSyncs of team write to team only');
    assert.match(words(object('v1', 'Secret', 'team')) ?? '', /: the platform does not allow Secret in team$/);
    const role = object('rbac.authorization.k8s.io/v1', 'Role', 'team');
    assert.match(words(role) ?? '', /: the platform does not allow Role.rbac.authorization.k8s.io in team$/);
  });
});
