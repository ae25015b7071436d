import assert from 'node:assert/strict';
import { describe, it } from 'mocha';
import { eventOf } from './event.ts';

describe('the Event of an incident', () => {
  for (const [phase, message, expected] of [
    ['Recovered', 'Recovered: the pods are back', ['Normal', 'Recovered', 'Recovered: the pods are back']],
    [
      'Escalated',
      'NoHistory: none is recorded: opt in',
      ['Warning', 'NoHistory', 'Escalated: none is recorded: opt in'],
    ],
    ['Judging', '', ['Normal', 'Progressing', 'Judging: ']],
  ] as const) {
    it(`says its reason once: ${message}`, () => {
      const { type, reason, note } = eventOf({ phase, message });
      assert.deepEqual([type, reason, note], expected);
    });
  }
});
