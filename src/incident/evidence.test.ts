import assert from 'node:assert/strict';
import { describe, it } from 'mocha';
import { evidence as schema } from '../api/incident.ts';
import { type Alert, parseDelivery } from './alertmanager-webhook.ts';
import { withAlerts } from './evidence.ts';

const at = (minute: number): string => new Date(Date.UTC(2026, 0, 1, 12, minute)).toISOString();
const alert = (pod: string, rest: Partial<Alert> = {}): Alert => ({
  status: 'firing',
  labels: { alertname: 'Burn', namespace: 'shop', pod },
  fingerprint: pod,
  startsAt: at(0),
  ...rest,
});
const add = (kept: Parameters<typeof withAlerts>[0], alerts: Alert[], minute: number, truncated = false) =>
  withAlerts(kept, { alerts, truncated }, at(minute));
const many = (count: number, rest: Partial<Alert> = {}) =>
  Array.from({ length: count }, (_, i) => alert(`p${i}`, rest));
const start = (alerts: Alert[]) => {
  const kept = add({ evidence: [] }, alerts, 1);
  assert.ok(kept);
  return kept;
};

describe('the evidence of an incident', () => {
  it('does not change when the same alerts ring on: there is nothing to write', () => {
    const kept = start([alert('a'), alert('b'), alert('a')]);
    assert.equal(kept.evidence.length, 2);
    assert.equal(add(kept, [alert('b'), alert('a')], 2), undefined);
  });

  it('has the links of each alert as they first came', () => {
    const links = { runbookURL: 'https://runbooks.example/burn' };
    const kept = start([alert('a', { links })]);
    assert.deepEqual(kept.evidence[0]?.links, links);
    assert.deepEqual(schema.parse(kept.evidence[0]).links, links);
    assert.equal(add(kept, [alert('a')], 2), undefined, 'other links are nothing that a decision depends on');
  });

  it('changes when an alert ends, begins again, or is found to have begun earlier', () => {
    const kept = start([alert('a')]);
    const ended = add(kept, [alert('a', { status: 'resolved' })], 2);
    assert.deepEqual(
      ended?.evidence.map((e) => [e.status, e.lastReceivedTime]),
      [['resolved', at(2)]],
    );
    const again = add(ended ?? kept, [alert('a', { startsAt: at(3) })], 3);
    assert.deepEqual(
      again?.evidence.map((e) => [e.status, e.startsAt, e.receivedTime]),
      [['firing', at(3), at(1)]],
    );
    assert.equal(add(again ?? kept, [alert('a', { startsAt: at(0) })], 4)?.evidence[0]?.startsAt, at(0));
  });

  it('stays as it is when the end of an earlier alert comes late', () => {
    const kept = start([alert('a', { startsAt: at(5) })]);
    const late = { status: 'resolved', startsAt: at(0), endsAt: at(3) } as const;
    assert.equal(add(kept, [alert('a', late)], 6), undefined);
    const ended = add(kept, [alert('a', { ...late, endsAt: at(6) })], 7);
    assert.equal(ended?.evidence[0]?.status, 'resolved', 'one that ended after it began is the same');
  });

  it('stays as it is when an earlier alert is delivered late, firing and then resolved', () => {
    const kept = start([alert('a', { startsAt: at(5) })]);
    const late = add(kept, [alert('a', { startsAt: at(0) })], 6) ?? kept;
    assert.deepEqual([late.evidence[0]?.startsAt, late.evidence[0]?.latestStartTime], [at(0), at(5)]);
    const over = { status: 'resolved', startsAt: at(0), endsAt: at(3) } as const;
    assert.equal(add(late, [alert('a', over)], 7), undefined, 'the later one fires on');
    const ended = add(late, [alert('a', { ...over, endsAt: at(8) })], 8);
    assert.equal(ended?.evidence[0]?.status, 'resolved');
  });

  it('stays as it is when the end of an alert comes after the next one began', () => {
    const kept = start([alert('a')]);
    const next = add(kept, [alert('a', { startsAt: at(5) })], 6) ?? kept;
    assert.deepEqual([next.evidence[0]?.startsAt, next.evidence[0]?.latestStartTime], [at(0), at(5)]);
    assert.equal(
      add(next, [alert('a', { startsAt: at(5) }), alert('a'), alert('a', { startsAt: at(3) })], 7),
      undefined,
    );
    const over = { status: 'resolved', startsAt: at(0), endsAt: at(3) } as const;
    assert.equal(add(next, [alert('a', over)], 8), undefined);
  });

  it('begins with the alert that fires again, and ends with that one', () => {
    const over = { status: 'resolved', endsAt: at(3) } as const;
    const next = [alert('a', { startsAt: at(2) }), alert('a', over), alert('a', { startsAt: at(1) })];
    const kept = add(start([alert('a')]), next, 6);
    assert.deepEqual([kept?.evidence[0]?.status, kept?.evidence[0]?.startsAt], ['firing', at(1)]);
    assert.equal(kept?.evidence[0]?.latestStartTime, undefined);
    assert.equal(add(kept ?? { evidence: [] }, [alert('a', over)], 7)?.evidence[0]?.status, 'resolved');
  });

  it('is bounded: of 500 alerts 64 are kept, and it says once that there were more', () => {
    const kept = start(many(500));
    assert.equal(kept.evidence.length, 64);
    assert.equal(kept.truncated, true);
    assert.equal(add(kept, many(500), 2), undefined);
    assert.equal(add(start([alert('a')]), [], 2, true)?.truncated, true);
  });

  it('gives up what is over for what rings, but never its first entry', () => {
    const kept = start(many(64, { status: 'resolved' }));
    const more = add(kept, [alert('new'), alert('newer')], 2);
    assert.deepEqual(
      more?.evidence.filter((e) => e.status === 'firing').map((e) => e.labels.pod),
      ['new', 'newer'],
    );
    assert.equal(more?.evidence.length, 64);
    assert.deepEqual(more?.evidence[0], kept.evidence[0]);
    assert.equal(more?.truncated, undefined);
  });

  it('is so small, whatever the alerts, that the API server takes it', async () => {
    const labels = Object.fromEntries(Array.from({ length: 200 }, (_, i) => [`l${i}\u0000`, '\u0000'.repeat(900)]));
    const long = { ...labels, namespace: 'shop', alertname: 'Burn'.repeat(1000) };
    const huge = Array.from({ length: 64 }, (_, i) => ({ status: 'firing', labels: { pod: `p${i}`, ...long } }));
    const delivery = await parseDelivery({ alerts: huge }, Date.parse(at(1)));
    assert.ok(typeof delivery !== 'string');
    const { evidence } = start(delivery.alerts);
    assert.equal(evidence.length, 64);
    assert.ok(Buffer.byteLength(JSON.stringify(evidence)) < 400_000);
    assert.equal(evidence[0]?.labels.namespace, 'shop');
    for (const entry of evidence) schema.parse(entry);
  });

  it('leaves out what is over already where it is full', () => {
    const more = add(start(many(64)), [alert('late', { status: 'resolved' })], 2);
    assert.deepEqual([more?.evidence.some((e) => e.labels.pod === 'late'), more?.truncated], [false, true]);
  });

  it('takes the beginning of an alert when it comes to be known, and keeps it when it is not said again', () => {
    const timeless = alert('a', { startsAt: undefined });
    const kept = start([timeless]);
    assert.ok(!('startsAt' in (kept.evidence[0] ?? {})));
    const known = add(kept, [alert('a')], 2);
    assert.equal(known?.evidence[0]?.startsAt, at(0));
    const ended = add(known ?? kept, [{ ...timeless, status: 'resolved' }], 3);
    assert.deepEqual([ended?.evidence[0]?.status, ended?.evidence[0]?.startsAt], ['resolved', at(0)]);
  });
});
