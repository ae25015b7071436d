import assert from 'node:assert/strict';
import { describe, it } from 'mocha';
import { at, release } from '../../test/support/incident.ts';
import { irreversibleBecause, irreversibleSince } from './irreversible.ts';

describe('why a release is irreversible', () => {
  const because = (annotations: Record<string, string>) => irreversibleBecause({ name: 'web', annotations });

  it('is the annotation, or a hook that ran with it', () => {
    assert.equal(because({}), undefined);
    assert.equal(because({ 'metricops.dev/irreversible': 'True' }), 'annotation metricops.dev/irreversible');
    assert.equal(because({ 'metricops.dev/upgrade-hook': 'PreSync hook Job migrate' }), 'PreSync hook Job migrate');
  });

  it('is no hook of which the annotation says that it does no harm', () => {
    const hook = { 'metricops.dev/upgrade-hook': 'PreSync hook Job migrate' };
    assert.equal(because({ ...hook, 'metricops.dev/irreversible': 'false' }), undefined);
    assert.equal(because({ ...hook, 'metricops.dev/irreversible': 'flase' }), 'PreSync hook Job migrate');
  });
});

describe('a rollback behind an irreversible release', () => {
  const ran = (number: number, from: number, until: number | undefined, irreversible?: string) =>
    release(number, {
      firstSeenTime: at(from),
      ...(until === undefined ? {} : { supersededTime: at(until) }),
      ...(irreversible === undefined ? {} : { irreversible }),
    });
  const behind = (target: number, releases: ReturnType<typeof ran>[]): number | undefined => {
    const to = releases.find(({ number }) => number === target);
    return to && irreversibleSince(to, 4, releases)?.number;
  };

  it('is one from it, or past one that ran since the target', () => {
    assert.equal(behind(3, [ran(4, 40, undefined, 'x'), ran(3, 30, 40)]), 4);
    assert.equal(behind(2, [ran(4, 40, undefined), ran(3, 30, 40, 'x'), ran(2, 20, 30)]), 3);
  });

  it('is none to it, or to one that ran after it', () => {
    assert.equal(behind(3, [ran(4, 40, undefined), ran(3, 30, 40, 'x'), ran(2, 20, 30)]), undefined);
    assert.equal(behind(2, [ran(4, 40, undefined), ran(3, 10, 20, 'x'), ran(2, 20, 40)]), undefined);
  });
});
