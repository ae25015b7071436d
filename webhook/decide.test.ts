import assert from 'node:assert/strict';
import { describe, it } from 'mocha';
import {
  injectionNote,
  isBreakerOpen,
  isInjected,
  isInSystemNamespace,
  isNotLinux,
  isNotOptedIn,
  isStaticPod,
  lacksNativeSidecars,
  type Question,
  reasonToSkip,
  usesHostNetwork,
} from './decide.ts';
import type { AdmittedPod } from './pod.ts';

const asked: AdmittedPod = {
  metadata: { annotations: { 'metricops.dev/inject': 'true' } },
  spec: { containers: [{ name: 'app' }] },
};
const question = (change: Partial<Question> = {}): Question => ({
  pod: asked,
  namespace: 'shop',
  namespaceOptedIn: false,
  cluster: { nativeSidecars: true, breakerOpen: false },
  ...change,
});
const saying = (inject: string): AdmittedPod => ({ metadata: { annotations: { 'metricops.dev/inject': inject } } });
const withSpec = (spec: AdmittedPod['spec']): AdmittedPod => ({ ...asked, spec: { ...asked.spec, ...spec } });
const recorder = (restartPolicy?: string): AdmittedPod =>
  withSpec({ initContainers: [{ name: 'metricops-recorder', ...(restartPolicy ? { restartPolicy } : {}) }] });

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

  it('nobody in kube-system and in the namespace of metricops', () => {
    assert.equal(isInSystemNamespace(question({ namespace: 'kube-system' })), true);
    assert.equal(isInSystemNamespace(question({ namespace: 'metricops-system' })), true);
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

  it("nobody without native sidecars, and nobody while images can't be pulled", () => {
    const old = question({ cluster: { nativeSidecars: false, breakerOpen: false } });
    assert.equal(lacksNativeSidecars(old), true);
    const open = question({ cluster: { nativeSidecars: true, breakerOpen: true } });
    assert.equal(isBreakerOpen(open), true);
    assert.equal(reasonToSkip(open), 'BreakerOpen');
    assert.equal(reasonToSkip(old), 'NoNativeSidecars');
    assert.equal(reasonToSkip(question()), undefined);
  });

  it('who did not ask hears nothing', () => {
    const closed = { nativeSidecars: false, breakerOpen: true };
    const reason = reasonToSkip(question({ pod: withSpec({ hostNetwork: true }), cluster: closed }));
    assert.equal(injectionNote(reason), 'skipped: HostNetwork');
    assert.equal(injectionNote(reasonToSkip(question({ pod: {}, cluster: closed }))), undefined);
    assert.equal(injectionNote(undefined), 'injected');
  });
});
