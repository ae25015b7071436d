import assert from 'node:assert/strict';
import { describe, it } from 'mocha';
import type { GitSync } from '../../api/gitsync.ts';
import type { KubeObject } from '../../api/meta.ts';
import type { PlannedObject } from '../plan/types.ts';
import { prepare } from './prepare.ts';

const DIGEST = `v1:${'1'.repeat(64)}`;
const web: KubeObject = { apiVersion: 'apps/v1', kind: 'Deployment', metadata: { namespace: 'shop', name: 'web' } };
const migrate: KubeObject = {
  apiVersion: 'batch/v1',
  kind: 'Job',
  metadata: { namespace: 'shop', name: 'migrate', annotations: { 'helm.sh/hook': 'pre-upgrade' } },
};
const planned = (object: KubeObject): PlannedObject => ({ key: object.metadata.name, object, hash: 'h' });
/** The annotation for hooks of the workload as it is sent. */
const sent = (
  others: KubeObject[],
  live?: Record<string, string>,
  hooks: readonly KubeObject[] = [],
): string | undefined => {
  const { object } = prepare(
    { apiVersion: 'v1', kind: 'GitSync', metadata: { namespace: 'shop', name: 'shop' }, spec: {} } as GitSync,
    { ...planned(web), digests: { sourceDigest: DIGEST, references: [] } },
    {
      commit: 'c',
      live: live && { ...web, metadata: { ...web.metadata, annotations: live } },
      owner: 'shop.shop',
      byKey: new Map([web, ...others].map((each) => [each.metadata.name, planned(each)])),
      hooks,
    },
    {
      namespaces: {
        get: () => undefined,
        list: () => [],
        onChange: () => () => {},
        ready: async () => {},
        stop: async () => {},
      },
      snapshots: { seal: () => assert.fail('it is not opted in') },
    },
  );
  return object.metadata.annotations?.['metricops.dev/upgrade-hook'];
};

describe('a release that runs together with an upgrade hook', () => {
  it('says so for as long as it is the same release', () => {
    const same = { 'metricops.dev/source-digest': DIGEST };
    assert.equal(sent([migrate]), 'pre-upgrade hook Job migrate');
    assert.equal(sent([]), undefined);
    assert.equal(sent([migrate], same), undefined, 'the Job came later');
    const before = { ...same, 'metricops.dev/upgrade-hook': 'pre-upgrade hook Job old' };
    assert.equal(sent([], before), 'pre-upgrade hook Job old');
    assert.equal(sent([migrate], { ...before, 'metricops.dev/source-digest': 'v1:2' }), 'pre-upgrade hook Job migrate');
  });

  it('says so for one that is run and not applied, too', () => {
    assert.equal(sent([], undefined, [migrate]), 'pre-upgrade hook Job migrate');
  });
});
