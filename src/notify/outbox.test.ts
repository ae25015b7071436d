import assert from 'node:assert/strict';
import fc from 'fast-check';
import { describe, it } from 'mocha';
import { AT, at } from '../../test/support/objects.ts';
import { API_VERSION } from '../api/annotations.ts';
import { type Notification, type NotificationStatus, notificationSpec } from '../api/notification.ts';
import type { Notice } from './notice.ts';
import { dueOf, withDone } from './outbox.ts';

const notification = (status: NotificationStatus = {}, events: object[] = [{ kind: 'Incident' }]): Notification => ({
  apiVersion: API_VERSION,
  kind: 'Notification',
  metadata: { namespace: 'shop', name: 'n', creationTimestamp: AT },
  spec: notificationSpec.parse({ events, sink: { cloudEvents: { url: 'https://example.com' } } }),
  status,
});
const notice = (id: string, seconds: number, rest: Partial<Notice> = {}): Notice => ({
  id,
  time: at(seconds),
  kind: 'Incident',
  namespace: 'shop',
  name: 'web-3-abc',
  reason: 'RolledBack',
  severity: 'warning',
  message: '',
  commits: [],
  ...rest,
});
const idsOf = (notices: readonly Notice[]): string[] => notices.map(({ id }) => id);
const now = (seconds: number): number => Date.parse(at(seconds));

describe('the outbox of a Notification', () => {
  it('has what happened since it was created, oldest first, and nothing of before', () => {
    const all = [notice('c', 30), notice('a', 10), notice('before', -1), notice('b', 20)];
    assert.deepEqual(idsOf(dueOf(notification(), all)), ['a', 'b', 'c']);
  });

  it('has the kinds and reasons that are asked for', () => {
    const all = [notice('a', 1), notice('b', 2, { reason: 'Recovered' }), notice('c', 3, { kind: 'Hold' })];
    const of = (...events: object[]): string[] => idsOf(dueOf(notification({}, events), all));
    assert.deepEqual(of({ kind: 'Incident' }), ['a', 'b']);
    assert.deepEqual(of({ kind: 'Incident', reasons: ['Recovered'] }), ['b']);
    assert.deepEqual(of({ kind: 'Incident', reasons: ['Recovered'] }, { kind: 'Hold' }), ['b', 'c']);
  });

  it('has an event once more that comes to be seen after a later one was delivered', () => {
    const delivered = withDone(notification(), notice('late', 20), [], now(21));
    assert.deepEqual(idsOf(dueOf(notification(delivered), [notice('early', 10), notice('late', 20)])), ['early']);
  });

  it('keeps the time alone of what was delivered more than ten minutes ago, and nothing after what still waits', () => {
    let status: NotificationStatus = withDone(notification(), notice('a', 0.5), [], now(1));
    status = withDone(notification(status), notice('b', 700), [], now(701));
    assert.deepEqual(status, { settledTime: at(101), delivered: [{ id: 'b', time: at(700) }] });
    const waiting = withDone(notification(status), notice('d', 710), [notice('c', 705)], now(5000));
    assert.equal(waiting.settledTime, new Date(now(705) - 1).toISOString());
    assert.deepEqual(idsOf(dueOf(notification(waiting), [notice('c', 705), notice('d', 710)])), ['c']);
  });

  it('is bounded, also where thousands of events come within ten minutes', () => {
    let status: NotificationStatus = {};
    for (let i = 1; i <= 1000; i += 1)
      status = withDone(notification(status), notice(`n${i}`, i / 10), [], now(i / 10));
    assert.ok((status.delivered?.length ?? 0) <= 256);
    assert.ok(JSON.stringify(status).length < 32_000);
    assert.deepEqual(dueOf(notification(status), [notice('n1000', 100)]), []);
  });

  it('loses nothing and sends nothing twice, in whatever order events come to be seen within ten minutes', () => {
    const times = fc.uniqueArray(
      fc.record({ at: fc.integer({ min: 1, max: 3000 }), late: fc.integer({ min: 0, max: 590 }) }),
      {
        maxLength: 40,
        selector: ({ at }) => at,
      },
    );
    fc.assert(
      fc.property(times, (events) => {
        let status: NotificationStatus = {};
        const sent: string[] = [];
        for (let second = 0; second <= 3600; second += 30) {
          const seen = events.filter((event) => event.at + event.late <= second).map((e) => notice(`n${e.at}`, e.at));
          const due = dueOf(notification(status), seen);
          for (const [i, one] of due.entries()) {
            sent.push(one.id);
            status = withDone(notification(status), one, due.slice(i + 1), now(second));
          }
        }
        assert.deepEqual(sent.toSorted(), events.map((event) => `n${event.at}`).toSorted());
      }),
      { numRuns: 200 },
    );
  });
});
