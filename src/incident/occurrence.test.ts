import assert from 'node:assert/strict';
import { describe, it } from 'mocha';
import type { Incident, IncidentStatus } from '../api/incident.ts';
import { occurrenceOf } from './occurrence.ts';

const needsPerson = {
  type: 'NeedsPerson',
  status: 'True',
  reason: 'NoHistory',
  message: '',
  lastTransitionTime: '2026-01-01T12:00:00Z',
} as const;

const incident: Incident = {
  apiVersion: 'metricops.dev/v1alpha1',
  kind: 'Incident',
  metadata: { namespace: 'shop', name: 'web-1' },
  spec: {
    workloadRef: { kind: 'Deployment', name: 'web' },
    suspect: { number: 3, sourceDigest: `v1:${'a'.repeat(64)}`, commit: 'c0ffee' },
    evidence: [],
  },
};

describe('what occurred to an incident', () => {
  for (const [what, status, expected] of [
    [
      'says its reason once',
      { phase: 'Recovered', reason: 'Recovered', message: 'the pods are back' },
      ['info', 'Recovered', 'Recovered: the pods are back'],
    ],
    [
      'is a warning where a person is needed',
      { phase: 'Judging', reason: 'NoHistory', message: 'none is recorded: opt in', conditions: [needsPerson] },
      ['warning', 'NoHistory', 'Judging: none is recorded: opt in'],
    ],
    [
      'is a warning where a release is rolled back',
      { phase: 'RollingBack', reason: 'ErrorRateIncreased', message: 'rolling back' },
      ['warning', 'ErrorRateIncreased', 'RollingBack: rolling back'],
    ],
    ['has a reason before there is one', { phase: 'Judging' }, ['info', 'Progressing', 'Judging: ']],
  ] as [string, IncidentStatus, string[]][]) {
    it(what, () => {
      const { severity, reason, message } = occurrenceOf(incident, status);
      assert.deepEqual([severity, reason, message], expected);
    });
  }

  it('names the release, its commit and the incident in fields', () => {
    const { release, revision, incident: name } = occurrenceOf(incident, { phase: 'RollingBack' });
    assert.deepEqual([release, revision, name], [3, 'c0ffee', 'web-1']);
  });

  it('names no release where none is recorded', () => {
    const { suspect: _, ...spec } = incident.spec;
    const { release, revision } = occurrenceOf({ ...incident, spec }, {});
    assert.deepEqual([release, revision], [undefined, undefined]);
  });
});
