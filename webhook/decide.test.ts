import assert from 'node:assert/strict';
import { describe, it } from 'mocha';
import {
  type ClusterState,
  injectionNote,
  isInjected,
  isInSystemNamespace,
  isNotLinux,
  isNotOptedIn,
  isStaticPod,
  isTakenByTenant,
  type Question,
  reasonToSkip,
  usesHostNetwork,
} from './decide.ts';
import type { AdmittedPod } from './pod.ts';

const asked: AdmittedPod = {
  metadata: { annotations: { 'metricops.dev/inject': 'true' } },
  spec: { containers: [{ name: 'app' }] },
};
const free: ClusterState = { withoutSidecars: () => undefined, outOfBounds: () => undefined, stopped: () => undefined };
const question = (change: Partial<Question> = {}): Question => ({
  pod: asked,
  namespace: 'shop',
  systemNamespace: 'platform-tools',
  namespaceOptedIn: false,
  image: 'sidecar:1',
  cluster: free,
  ...change,
});
const saying = (inject: string): AdmittedPod => ({ metadata: { annotations: { 'metricops.dev/inject': inject } } });
const withSpec = (spec: AdmittedPod['spec']): AdmittedPod => ({ ...asked, spec: { ...asked.spec, ...spec } });
const recorder = (restartPolicy?: string): AdmittedPod =>
  withSpec({
    initContainers: [{ name: 'metricops-recorder', image: 'sidecar:1', ...(restartPolicy ? { restartPolicy } : {}) }],
  });

describe('who is injected', () => {
  it('who asks by annotation, or by the label of the namespace', () => {
    assert.equal(isNotOptedIn(question()), false);
    assert.equal(isNotOptedIn(question({ pod: {} })), true);
    assert.equal(isNotOptedIn(question({ pod: {}, namespaceOptedIn: true })), false);
  });

  it("the pod's word beats the namespace's, in both directions", () => {
    assert.equal(isNotOptedIn(question({ pod: saying('false'), namespaceOptedIn: true })), true);
    assert.equal(isNotOptedIn(question({ pod: saying('true'), namespaceOptedIn: false })), false);
    assert.equal(isNotOptedIn(question({ pod: saying('yes'), namespaceOptedIn: true })), false);
    assert.equal(isNotOptedIn(question({ pod: saying('yes') })), true);
  });

  it('the word counts in any case', () => {
    assert.equal(isNotOptedIn(question({ pod: saying('True') })), false);
    assert.equal(isNotOptedIn(question({ pod: saying('Disabled'), namespaceOptedIn: true })), true);
  });

  it('nobody in kube-system and in the namespace of metricops', () => {
    assert.equal(isInSystemNamespace(question({ namespace: 'kube-system' })), true);
    assert.equal(isInSystemNamespace(question({ namespace: 'platform-tools' })), true);
    assert.equal(isInSystemNamespace(question({ namespace: 'metricops-system' })), false);
    assert.equal(isInSystemNamespace(question()), false);
  });

  it('no static pod', () => {
    const mirror = { metadata: { annotations: { 'kubernetes.io/config.mirror': 'x' } } };
    assert.equal(isStaticPod(question({ pod: mirror })), true);
    assert.equal(isStaticPod(question()), false);
  });

  it('nobody twice, but who lost its restartPolicy is repaired', () => {
    assert.equal(isInjected(question({ pod: recorder('Always') })), true);
    assert.equal(isInjected(question({ pod: recorder() })), false);
    assert.equal(isInjected(question()), false);
  });

  it("no pod in the host's network, and none for Windows", () => {
    assert.equal(usesHostNetwork(question({ pod: withSpec({ hostNetwork: true }) })), true);
    assert.equal(usesHostNetwork(question()), false);
    assert.equal(isNotLinux(question({ pod: withSpec({ os: { name: 'windows' } }) })), true);
    assert.equal(isNotLinux(question({ pod: withSpec({ nodeSelector: { 'kubernetes.io/os': 'windows' } }) })), true);
    assert.equal(isNotLinux(question({ pod: withSpec({ os: { name: 'linux' } }) })), false);
    assert.equal(isNotLinux(question()), false);
  });

  it('no pod whose node affinity leaves it nothing but Windows', () => {
    const affine = (...terms: object[]): AdmittedPod =>
      withSpec({
        affinity: {
          nodeAffinity: { requiredDuringSchedulingIgnoredDuringExecution: { nodeSelectorTerms: terms as [] } },
        },
      });
    const os = (operator: string, ...values: string[]): object => ({
      matchExpressions: [{ key: 'kubernetes.io/os', operator, values }],
    });
    assert.equal(isNotLinux(question({ pod: affine(os('In', 'windows')) })), true);
    assert.equal(isNotLinux(question({ pod: affine(os('NotIn', 'linux')) })), true);
    assert.equal(isNotLinux(question({ pod: affine(os('In', 'windows'), os('In', 'linux')) })), false);
    assert.equal(isNotLinux(question({ pod: affine({ matchExpressions: [] }) })), false);
  });

  it("nobody whose own container has the recorder's name: what runs once is not made to run for ever", () => {
    const own = withSpec({ initContainers: [{ name: 'metricops-recorder', image: 'tenant/migrate:3' }] });
    assert.equal(isTakenByTenant(question({ pod: own })), true);
    assert.equal(reasonToSkip(question({ pod: own }))?.reason, 'ContainerNameTaken');
    assert.equal(isTakenByTenant(question({ pod: recorder() })), false);
    const older = structuredClone(own);
    older.metadata = { annotations: { ...asked.metadata?.annotations, 'metricops.dev/injection': 'injected' } };
    assert.equal(isTakenByTenant(question({ pod: older })), false, 'what we injected with another image is ours');
  });

  it('nobody where a node, a bound of the namespace or the breaker is in the way, with the words of it', () => {
    const old = question({ cluster: { ...free, withoutSidecars: () => 'node old-1 has kubelet v1.28.0' } });
    assert.equal(injectionNote(reasonToSkip(old)), 'skipped: NoNativeSidecars: node old-1 has kubelet v1.28.0');
    const full = { reason: 'QuotaExceeded', words: 'ResourceQuota q is full' } as const;
    assert.deepEqual(reasonToSkip(question({ cluster: { ...free, outOfBounds: () => full } })), full);
    const open = question({ cluster: { ...free, stopped: () => 'ErrImagePull' } });
    assert.deepEqual(reasonToSkip(open), { reason: 'BreakerOpen', words: 'ErrImagePull' });
    assert.equal(reasonToSkip(question()), undefined);
  });

  it('nobody is the trial of an open breaker who would not be injected anyway', () => {
    let asks = 0;
    const counted = {
      ...free,
      stopped: () => {
        asks += 1;
        return undefined;
      },
    };
    reasonToSkip(question({ pod: {}, cluster: counted }));
    reasonToSkip(question({ cluster: { ...counted, withoutSidecars: () => 'a node' } }));
    reasonToSkip(question({ cluster: { ...counted, outOfBounds: () => ({ reason: 'QuotaExceeded', words: 'x' }) } }));
    assert.equal(asks, 0);
  });

  it('who did not ask hears nothing', () => {
    const closed = { ...free, withoutSidecars: () => 'a node', stopped: () => 'no' };
    const reason = reasonToSkip(question({ pod: withSpec({ hostNetwork: true }), cluster: closed }));
    assert.equal(injectionNote(reason), 'skipped: HostNetwork');
    assert.equal(injectionNote(reasonToSkip(question({ pod: {}, cluster: closed }))), undefined);
    assert.equal(injectionNote(undefined), 'injected');
  });
});
