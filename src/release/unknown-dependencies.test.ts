import assert from 'node:assert/strict';
import { describe, it } from 'mocha';
import type { KubeObject } from '../api/meta.ts';
import type { WatchCache } from '../kube/index.ts';
import { withUnknownDependencies } from './unknown-dependencies.ts';

const NOON = Date.parse('2026-01-01T12:00:00Z');
const web = (said?: string): KubeObject => ({
  apiVersion: 'apps/v1',
  kind: 'Deployment',
  metadata: {
    namespace: 'shop',
    name: 'web',
    annotations: said === undefined ? {} : { 'metricops.dev/depends-on': said },
  },
});
const having = (names: readonly string[]): WatchCache =>
  ({ get: ({ name }: { name: string }) => (names.includes(name) ? web() : undefined) }) as WatchCache;
const workloads = { Deployment: having(['db']), StatefulSet: having([]), DaemonSet: having([]) };
const messageOf = (said?: string): string | undefined =>
  withUnknownDependencies([], web(said), workloads, NOON)[0]?.message;

describe('what a workload says that it depends on', () => {
  it('is not mentioned where all of it is there, or nothing is said', () =>
    assert.deepEqual([undefined, '', 'deployment/db', 'deploy/db, '].map(messageOf), Array(4).fill(undefined)));

  it('is reported where it is not there, or is no workload', () => {
    assert.equal(messageOf('deployment/db,sts/db'), 'metricops.dev/depends-on: StatefulSet shop/db does not exist');
    assert.match(messageOf('service/db') ?? '', /"service\/db" names no workload: write KIND\/NAME/);
  });

  it('is nothing that its namespace could not see: another one shows what is there itself', () =>
    assert.equal(messageOf('auth/deployment/login'), undefined));

  it('is reported in few words, and what is not read is counted', () => {
    const many = (count: number) => Array.from({ length: count }, (_, i) => `deployment/no-${i}`).join();
    assert.match(messageOf(many(12)) ?? '', /no-7 does not exist; and 4 more$/);
    assert.match(
      messageOf(`${'deployment/db,'.repeat(32)}deployment/db`) ?? '',
      /: of 33 entries the first 32 are read$/,
    );
  });

  it('keeps since when it is so, beside the other conditions, and goes with its cause', () => {
    const other = {
      type: 'ImagesPinned',
      status: 'False' as const,
      reason: 'r',
      message: 'm',
      lastTransitionTime: 't',
    };
    const first = withUnknownDependencies([other], web('deployment/no'), workloads, NOON);
    const second = withUnknownDependencies(first, web('deployment/other'), workloads, NOON + 60_000);
    assert.deepEqual(
      second.map(({ type, lastTransitionTime }) => [type, lastTransitionTime]),
      [
        ['ImagesPinned', 't'],
        ['DependenciesKnown', '2026-01-01T12:00:00.000Z'],
      ],
    );
    assert.deepEqual(withUnknownDependencies(second, web('deployment/db'), workloads, NOON), [other]);
  });
});
