import assert from 'node:assert/strict';
import { describe, it } from 'mocha';
import { AT, at, conditionWith, digestOf, history, incident, release } from '../../test/support/objects.ts';
import type { Incident } from '../api/incident.ts';
import { incidentView } from './incident-story.ts';

const evidence = {
  alert: 'Burn',
  fingerprint: 'f',
  source: 'Alertmanager',
  status: 'firing',
  receivedTime: AT,
  lastReceivedTime: AT,
  labels: {},
} as const;
const suspect = { number: 3, sourceDigest: digestOf(3), commit: 'c3' };
const target = { number: 2, sourceDigest: digestOf(2), snapshotRef: { name: 's-2' } };
const recorded = history({ releases: [release(3, { firstSeenTime: at(-90) }), release(2)] });
const seen = (status: Incident['status'], spec: Partial<Incident['spec']> = {}) =>
  incidentView(incident('a', status, { suspect, evidence: [evidence], ...spec }), recorded);

describe('the story of an incident', () => {
  it('is that of an open one, without a verdict, before the controller has seen it', () => {
    const { phase, needsPerson, verdict, rollback, next, timeline } = seen(undefined);
    assert.deepEqual([phase, needsPerson, verdict, rollback, next], ['Open', false, undefined, undefined, undefined]);
    assert.deepEqual(
      timeline.map(({ what, afterMs }) => [what, afterMs]),
      [['Alert', 0]],
    );
  });

  it('names the suspect with its images and how long it ran before the incident', () => {
    assert.deepEqual(seen(undefined).suspect, {
      number: 3,
      images: release(3).images,
      commit: 'c3',
      leadMs: 90_000,
    });
  });

  it('has no lead of a release that was first seen after the alert, and no images of one that is evicted', () => {
    const young = history({ releases: [release(3, { firstSeenTime: at(5) })] });
    assert.equal(incidentView(incident('a', undefined, { suspect }), young).suspect?.leadMs, undefined);
    const { suspect: forgotten } = incidentView(incident('a', undefined, { suspect }), undefined);
    assert.deepEqual([forgotten?.number, forgotten?.images, forgotten?.leadMs], [3, undefined, undefined]);
    assert.equal(incidentView(incident('a', undefined), recorded).suspect, undefined);
  });

  it('has the steps in order of time, whoever recorded them, each with the time since the one before it', () => {
    const { timeline } = seen(
      {
        timeline: [
          { time: at(1), phase: 'Judging', reason: 'NoVerdict', message: 'queried' },
          { time: at(14), phase: 'RollingBack', message: 'guilty' },
        ],
      },
      { evidence: [{ ...evidence, receivedTime: at(4), source: 'Alertmanager' }, evidence] },
    );
    assert.deepEqual(
      timeline.map(({ what, afterMs, reason, message }) => [what, afterMs, reason, message]),
      [
        ['Alert', 0, undefined, 'Burn received from Alertmanager'],
        ['Judging', 1_000, 'NoVerdict', 'queried'],
        ['Alert', 3_000, undefined, 'Burn received from Alertmanager'],
        ['RollingBack', 10_000, undefined, 'guilty'],
      ],
    );
  });

  it('has the verdict of each objective, with what was measured as numbers', () => {
    const words = { result: 'Guilty', reason: 'ErrorRateIncreased', message: 'the new pods fail' } as const;
    const { verdict } = seen({
      verdict: {
        ...words,
        time: AT,
        objectives: [
          {
            ...words,
            name: 'availability',
            query: 'sum(x)',
            newErrorRatio: '0.2',
            newRequests: '50',
            oldErrorRatio: '0',
            score: 3,
            evidence: [{ name: 'Onset', points: 3, message: 'it began with the release' }],
          },
          { ...words, name: 'latency' },
        ],
      },
    });
    assert.deepEqual(verdict, {
      ...words,
      objectives: [
        {
          ...words,
          name: 'availability',
          query: 'sum(x)',
          suspect: { errorRatio: 0.2, requests: 50 },
          before: { errorRatio: 0, requests: undefined },
          findings: [{ name: 'Onset', points: 3, message: 'it began with the release' }],
          score: { points: 3, needed: undefined },
        },
        { ...words, name: 'latency', suspect: undefined, before: undefined, findings: [], score: undefined },
      ],
    });
  });

  it('says what is rolled back to, by which hold, and what it cost', () => {
    const { rollback, budgetSpentPercent } = seen({
      phase: 'Recovered',
      target,
      holdRef: { name: 'web-1' },
      budgetSpentPercent: '0.42',
    });
    assert.deepEqual(rollback, { number: 2, images: release(2).images, hold: 'web-1' });
    assert.equal(budgetSpentPercent, 0.42);
  });

  it('says why it can not go on, for as long as that is so', () => {
    const stalled = conditionWith('Stalled', { message: 'id 1234' });
    assert.equal(seen({ conditions: [stalled] }).stalled, 'id 1234');
    assert.equal(seen({ conditions: [{ ...stalled, status: 'False' }] }).stalled, undefined);
  });

  const needs = [conditionWith('NeedsPerson')];
  const steps: [string, Incident['status'], string | undefined][] = [
    ['approve or deny, where it waits for that', { reason: 'AwaitingApproval', conditions: needs }, 'ApproveOrDeny'],
    ['approve or deny, in a change freeze', { reason: 'ChangeFreeze', conditions: needs }, 'ApproveOrDeny'],
    [
      'approve or deny, where an hour has had as many rollbacks as it may',
      { reason: 'TooManyRollbacks', conditions: needs },
      'ApproveOrDeny',
    ],
    ['the end of the pause, of a workload that is paused', { reason: 'Paused', conditions: needs }, 'Resume'],
    ['decide, where it knows nothing to propose', { reason: 'NoGoodRelease', conditions: needs }, 'Decide'],
    ['another cause, where the rollback did not help', { phase: 'Verifying', conditions: needs }, 'FindOtherCause'],
    [
      'the newer release, where the verdict was wrong',
      { phase: 'Verifying', reason: 'Misjudged', conditions: needs },
      'RunNewerAgain',
    ],
    [
      'another release, where the pods of the restored one do not get their image',
      { phase: 'Verifying', reason: 'ImagePullFailed', conditions: needs },
      'ChooseRelease',
    ],
    ['a fix in Git, once it recovered', { phase: 'Recovered' }, 'FixInGit'],
    ['another mode, where the mode let nothing be done', { phase: 'Observed' }, 'SetMode'],
    ['nothing while it is judged', { phase: 'Judging', reason: 'AwaitingApproval' }, undefined],
    ['nothing after it was dismissed', { phase: 'Dismissed' }, undefined],
  ];
  for (const [what, status, next] of steps)
    it(`leads to ${what}`, () => {
      assert.equal(seen(status).next, next);
    });
});
