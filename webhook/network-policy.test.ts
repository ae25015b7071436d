import assert from 'node:assert/strict';
import { describe, it } from 'mocha';
import type { KubeObject } from '../src/api/meta.ts';
import { admitsAsWell } from './network-policy.ts';
import type { AdmittedPod } from './pod.ts';

const pod: AdmittedPod = {
  metadata: { labels: { app: 'web' } },
  spec: { containers: [{ name: 'app', ports: [{ name: 'http', containerPort: 8080 }] }] },
};
const policy = (spec: object): KubeObject => ({
  apiVersion: 'networking.k8s.io/v1',
  kind: 'NetworkPolicy',
  metadata: { name: 'p', namespace: 'shop' },
  spec: { podSelector: { matchLabels: { app: 'web' } }, ...spec },
});
const moves = (...policies: KubeObject[]): boolean => admitsAsWell(pod, { from: 8080, to: 15790 }, policies);
const prometheus = [{ namespaceSelector: { matchLabels: { name: 'monitoring' } } }];

describe("a NetworkPolicy for the application's port", () => {
  it('keeps the target where it is, by number, by name and in a range', () => {
    for (const ports of [[{ port: 8080 }], [{ port: 'http' }], [{ port: 8000, endPort: 9000 }]]) {
      assert.equal(moves(policy({ ingress: [{ from: prometheus, ports }] })), false);
    }
  });

  it("lets it move where all who reach the one port reach the recorder's", () => {
    assert.equal(moves(), true);
    assert.equal(moves(policy({ ingress: [{ from: prometheus }] })), true);
    assert.equal(moves(policy({ ingress: [{ from: prometheus, ports: [{ port: 8000, endPort: 16000 }] }] })), true);
    const open = policy({ ingress: [{ ports: [{ port: 15790 }] }] });
    assert.equal(moves(policy({ ingress: [{ from: prometheus, ports: [{ port: 8080 }] }] }), open), true);
    const others = { from: [{ podSelector: {} }], ports: [{ port: 15790 }] };
    assert.equal(moves(policy({ ingress: [{ from: prometheus, ports: [{ port: 8080 }] }, others] })), false);
  });

  it('counts for the pods that it selects, and for what comes in', () => {
    const only = { ingress: [{ ports: [{ port: 8080 }] }] };
    assert.equal(moves(policy({ ...only, podSelector: { matchLabels: { app: 'db' } } })), true);
    assert.equal(moves(policy({ ...only, podSelector: {} })), false);
    const exists = [{ key: 'app', operator: 'Exists' }];
    assert.equal(moves(policy({ ...only, podSelector: { matchExpressions: exists } })), false);
    assert.equal(moves(policy({ policyTypes: ['Egress'], egress: [] })), true);
  });
});
