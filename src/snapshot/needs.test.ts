import assert from 'node:assert/strict';
import { describe, it } from 'mocha';
import type { KubeObject } from '../api/meta.ts';
import { accountAndClaimsOf, needsOf } from './needs.ts';

const workload = (spec: unknown): KubeObject => ({
  apiVersion: 'apps/v1',
  kind: 'Deployment',
  metadata: { namespace: 'shop', name: 'web' },
  spec: { template: { spec } },
});
const named = (spec: unknown, config: KubeObject[] = []): string[] =>
  needsOf(workload(spec), config).map(({ kind, name }) => `${kind}/${name}`);

describe('what the pods of a release need', () => {
  it('is the account, the claims and the configuration that they name', () => {
    const spec = {
      serviceAccountName: 'web',
      imagePullSecrets: [{ name: 'registry' }],
      volumes: [
        { name: 'd', persistentVolumeClaim: { claimName: 'data' } },
        { name: 'e', persistentVolumeClaim: { claimName: 'data' } },
        { name: 's', secret: { secretName: 'login' } },
      ],
      containers: [{ envFrom: [{ configMapRef: { name: 'settings' } }] }],
    };
    assert.deepEqual(named(spec), [
      'ServiceAccount/web',
      'PersistentVolumeClaim/data',
      'ConfigMap/settings',
      'Secret/login',
    ]);
    assert.deepEqual(accountAndClaimsOf(workload(spec)), {
      serviceAccountName: 'web',
      persistentVolumeClaims: ['data'],
    });
  });

  it('is not what the snapshot brings, nor what every namespace has, nor what pods start without', () => {
    const settings = { apiVersion: 'v1', kind: 'ConfigMap', metadata: { namespace: 'shop', name: 'settings' } };
    const spec = {
      serviceAccountName: 'default',
      volumes: [{ name: 'o', configMap: { name: 'extra', optional: true } }],
      containers: [
        {
          env: [{ name: 'A', valueFrom: { secretKeyRef: { name: 'maybe', key: 'a', optional: true } } }],
          envFrom: [{ configMapRef: { name: 'settings' } }],
        },
      ],
    };
    assert.deepEqual(named(spec, [settings]), []);
    assert.deepEqual(accountAndClaimsOf(workload(spec)), {});
  });

  it('is nothing for what is not shaped as a pod', () => {
    for (const spec of [undefined, null, 5, { volumes: {} }, { volumes: [null], serviceAccountName: 7 }]) {
      assert.deepEqual(named(spec), []);
    }
  });
});
