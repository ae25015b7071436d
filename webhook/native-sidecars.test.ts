import assert from 'node:assert/strict';
import { describe, it } from 'mocha';
import type { KubeObject } from '../src/api/meta.ts';
import { knowsNativeSidecars, nodeCacheOptions, nodeWithoutSidecars } from './native-sidecars.ts';
import type { AdmittedPod, PodSpec } from './pod.ts';

const node = (
  name: string,
  kubeletVersion: string,
  more: { labels?: Record<string, string>; taints?: object[] } = {},
) => {
  const object: KubeObject = {
    apiVersion: 'v1',
    kind: 'Node',
    metadata: { name, labels: { 'kubernetes.io/hostname': name, ...more.labels } },
    spec: { taints: more.taints ?? [], podCIDR: '10.0.0.0/24' },
    status: { nodeInfo: { kubeletVersion, operatingSystem: 'linux' }, images: [] },
  };
  return nodeCacheOptions.trim?.(object) ?? object;
};
const pod = (spec: PodSpec = {}): AdmittedPod => ({ spec: { containers: [{ name: 'app' }], ...spec } });

const fresh = node('fresh', 'v1.34.4');
const old = node('old', 'v1.28.9', {
  labels: { pool: 'old' },
  taints: [{ key: 'pool', value: 'old', effect: 'NoSchedule' }],
});
const odd = node('odd', 'provider-7', { labels: { pool: 'odd' } });
const virtualTaint = { key: 'virtual-kubelet.io/provider', value: 'azure', effect: 'NoSchedule' };
const virtual = node('vk', 'v1.25.0-vk-azure-aci-1.6.2', {
  labels: { type: 'virtual-kubelet' },
  taints: [virtualTaint],
});
const tolerant = (key: string): PodSpec => ({ tolerations: [{ key, operator: 'Exists' }] });

describe('native sidecars', () => {
  it('are known from 1.29 on, whatever a vendor appends', () => {
    for (const version of ['v1.29.0', 'v1.34.4', 'v1.31.2-gke.100', '1.29+', 'v2.0.0']) {
      assert.equal(knowsNativeSidecars(version), true, version);
    }
    for (const version of ['v1.28.15', 'v1.9.0']) assert.equal(knowsNativeSidecars(version), false, version);
    for (const version of ['', 'unknown']) assert.equal(knowsNativeSidecars(version), undefined, version);
  });

  it('are asked of the nodes that the pod can go to: by taints, labels, affinity, name', () => {
    const nodes = [fresh, old];
    assert.equal(nodeWithoutSidecars(pod(), nodes), undefined, 'the old one is tainted');
    assert.equal(nodeWithoutSidecars(pod(tolerant('pool')), nodes), 'node old has kubelet v1.28.9');
    const kept = { ...tolerant('pool'), nodeSelector: { 'kubernetes.io/hostname': 'fresh' } };
    assert.equal(nodeWithoutSidecars(pod(kept), nodes), undefined);
    const not = { matchExpressions: [{ key: 'pool', operator: 'NotIn', values: ['old'] }] };
    const nodeAffinity = { requiredDuringSchedulingIgnoredDuringExecution: { nodeSelectorTerms: [not] } };
    assert.equal(nodeWithoutSidecars(pod({ ...tolerant('pool'), affinity: { nodeAffinity } }), nodes), undefined);
    assert.match(nodeWithoutSidecars(pod({ nodeName: 'old' }), nodes) ?? '', /node old/);
  });

  it('a virtual node is none for pods that are not meant for it', () => {
    assert.equal(nodeWithoutSidecars(pod(), [fresh, virtual]), undefined);
    const untainted = node('vk-2', 'v1.25.0-vk-azure-aci-1.6.2', { labels: { type: 'virtual-kubelet' } });
    assert.equal(nodeWithoutSidecars(pod(), [fresh, untainted]), undefined);
    assert.match(nodeWithoutSidecars(pod(tolerant(virtualTaint.key)), [fresh, virtual]) ?? '', /node vk .*aci/);
  });

  it('a version that can not be read speaks for its own node only', () => {
    assert.equal(nodeWithoutSidecars(pod(), [fresh, odd]), undefined);
    assert.equal(
      nodeWithoutSidecars(pod({ nodeSelector: { pool: 'odd' } }), [fresh, odd]),
      'node odd has kubelet provider-7',
    );
  });

  it('are not asked of nodes that are not there yet, nor of Windows', () => {
    assert.equal(nodeWithoutSidecars(pod(), []), undefined);
    const windows = node('win', 'v1.20.0');
    (windows.status as { nodeInfo: { operatingSystem: string } }).nodeInfo.operatingSystem = 'windows';
    assert.equal(nodeWithoutSidecars(pod(), [windows]), undefined);
  });
});
