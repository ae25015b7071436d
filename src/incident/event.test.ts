import assert from 'node:assert/strict';
import { describe, it } from 'mocha';
import type { IncidentStatus } from '../api/incident.ts';
import { eventOf } from './event.ts';

const needsPerson = {
  type: 'NeedsPerson',
  status: 'True',
  reason: 'NoHistory',
  message: '',
  lastTransitionTime: '2026-01-01T12:00:00Z',
} as const;

describe('the Event of an incident', () => {
  for (const [what, status, expected] of [
    [
      'says its reason once',
      { phase: 'Recovered', reason: 'Recovered', message: 'the pods are back' },
      ['Normal', 'Recovered', 'Recovered: the pods are back'],
    ],
    [
      'is a warning where a person is needed',
      { phase: 'Judging', reason: 'NoHistory', message: 'none is recorded: opt in', conditions: [needsPerson] },
      ['Warning', 'NoHistory', 'Judging: none is recorded: opt in'],
    ],
    ['has a reason before there is one', { phase: 'Judging' }, ['Normal', 'Progressing', 'Judging: ']],
  ] as [string, IncidentStatus, string[]][]) {
    it(what, () => {
      const { type, reason, note } = eventOf(status);
      assert.deepEqual([type, reason, note], expected);
    });
  }
});
