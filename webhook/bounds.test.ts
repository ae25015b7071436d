import assert from 'node:assert/strict';
import { describe, it } from 'mocha';
import type { KubeObject } from '../src/api/meta.ts';
import { outOfBounds, podsToCome } from './bounds.ts';
import { boundedRecorder } from './inject.ts';
import type { AdmittedPod, PodSpec, Resources } from './pod.ts';
import { recorderResources } from './resources.ts';

const object = (kind: string, name: string, rest: object): KubeObject => ({
  apiVersion: 'v1',
  kind,
  metadata: { name },
  ...rest,
});
const limitRange = (...limits: object[]): KubeObject => object('LimitRange', 'l', { spec: { limits } });
const quota = (hard: Record<string, string>, used: Record<string, string> = {}, spec: object = {}): KubeObject =>
  object('ResourceQuota', 'q', { spec: { hard, ...spec }, status: { hard, used } });
const pod = (resources?: Resources, spec: PodSpec = {}): AdmittedPod => ({
  spec: { containers: [{ name: 'app', ...(resources ? { resources } : {}) }], ...spec },
});
const refusal = (asked: AdmittedPod, limitRanges: KubeObject[], quotas: KubeObject[] = []): string | undefined => {
  const bounds = { limitRanges, quotas };
  return outOfBounds(asked, boundedRecorder(asked, bounds), bounds)?.words;
};
const amount = { requests: { cpu: '100m', memory: '64Mi' }, limits: { cpu: '200m', memory: '128Mi' } };

describe('a namespace without room for the recorder', () => {
  it('has a LimitRange of type Pod: of all containers together', () => {
    const full = limitRange({ type: 'Pod', max: { memory: '128Mi' } });
    assert.match(refusal(pod(amount), [full]) ?? '', /maximum memory is 128Mi per Pod/);
    assert.equal(refusal(pod(amount), [limitRange({ type: 'Pod', max: { memory: '192Mi' } })]), undefined);
    const ratio = limitRange({ type: 'Pod', maxLimitRequestRatio: { memory: '2' } });
    assert.match(refusal(pod(amount), [ratio]) ?? '', /ratio/);
  });

  it('has LimitRanges that contradict each other', () => {
    const both = [
      limitRange({ type: 'Container', min: { cpu: '1' } }),
      limitRange({ type: 'Container', max: { cpu: '10m' } }),
    ];
    assert.match(refusal(pod(amount), both) ?? '', /minimum cpu is 1 per Container/);
  });

  it('has a ResourceQuota that is used up, or nearly', () => {
    const words = refusal(pod(amount), [], [quota({ 'requests.cpu': '1' }, { 'requests.cpu': '896m' })]);
    assert.equal(words, 'ResourceQuota q has 896m of 1 requests.cpu used');
    assert.equal(refusal(pod(amount), [], [quota({ 'requests.cpu': '1' }, { 'requests.cpu': '895m' })]), undefined);
    assert.match(refusal(pod(amount), [], [quota({ memory: '64Mi' })]) ?? '', /memory/);
    assert.equal(refusal(pod(amount), [], [quota({ pods: '1' }, { pods: '1' })]), undefined, 'it needs no pod');
  });

  it('has a ResourceQuota in which the recorders would take the room of the last pods', () => {
    const uid = 'rs';
    const owner = { apiVersion: 'apps/v1', kind: 'ReplicaSet', name: 'web', uid, controller: true };
    const asked: AdmittedPod = { ...pod(amount), metadata: { ownerReferences: [owner] } };
    const replicaSet = { ...object('ReplicaSet', 'web', { spec: { replicas: 5 } }), metadata: { name: 'web', uid } };
    const there = { ...object('Pod', 'web-1', {}), metadata: { name: 'web-1', ownerReferences: [owner] } };
    assert.equal(podsToCome(asked, replicaSet, [there, object('Pod', 'other', {})]), 4);
    assert.equal(podsToCome(asked, undefined, []), 1);
    assert.equal(podsToCome(pod(amount), replicaSet, []), 1);
    const bounds = { limitRanges: [], quotas: [quota({ 'requests.memory': '340Mi' })] };
    const refused = (count: number): boolean =>
      outOfBounds(asked, boundedRecorder(asked, bounds), bounds, count) !== undefined;
    assert.deepEqual([refused(1), refused(4), refused(5)], [false, false, true]);
  });

  it('is asked for the quotas that count this pod only', () => {
    const none = { 'requests.cpu': '0' };
    const scoped = (scopes: string[]): KubeObject => quota(none, {}, { scopes });
    assert.equal(refusal(pod(amount), [], [scoped(['BestEffort']), scoped(['Terminating'])]), undefined);
    assert.notEqual(refusal(pod(amount), [], [scoped(['NotTerminating'])]), undefined);
    const matchExpressions = [{ scopeName: 'PriorityClass', operator: 'In', values: ['high'] }];
    const high = quota(none, {}, { scopeSelector: { matchExpressions } });
    assert.equal(refusal(pod(amount), [], [high]), undefined);
    assert.notEqual(refusal(pod(amount, { priorityClassName: 'high' }), [], [high]), undefined);
  });

  it('counts the recorder beside the containers, and beside what runs once before them only as far as it must', () => {
    const migrate = { name: 'migrate', resources: { requests: { cpu: '1', memory: '1Mi' } } };
    const asked = pod(amount, { initContainers: [migrate] });
    assert.equal(refusal(asked, [], [quota({ 'requests.cpu': '1' })]), undefined, 'the recorder comes after it');
  });

  it('gives the recorder a CPU limit where a quota wants one of every container', () => {
    const hard = quota({ 'limits.cpu': '1' });
    assert.equal(recorderResources(pod(), { limitRanges: [], quotas: [hard] }).limits?.cpu, '100m');
  });
});

describe('a pod with amounts of its own as a whole', () => {
  const whole = { requests: { cpu: '100m', memory: '64Mi' }, limits: { cpu: '100m', memory: '128Mi' } };
  const defaults = limitRange({ type: 'Container', default: { cpu: '500m', memory: '512Mi' } });

  it('says nothing of the recorder, unless a LimitRange would say it: more than the pod has', () => {
    const asked = pod(undefined, { resources: whole });
    assert.deepEqual(recorderResources(asked, { limitRanges: [], quotas: [] }), {});
    const { limits } = recorderResources(asked, { limitRanges: [defaults], quotas: [] });
    assert.deepEqual(limits, { cpu: '100m', memory: '64Mi' });
    assert.equal(refusal(asked, [defaults]), undefined);
  });

  it('is left alone where its containers have all of it', () => {
    const asked = pod({ requests: whole.requests }, { resources: whole });
    assert.match(refusal(asked, [defaults]) ?? '', /own resources leave no cpu/);
    assert.equal(refusal(asked, []), undefined);
  });
});
