import assert from 'node:assert/strict';
import { describe, it } from 'mocha';
import type { Incident } from '../../src/api/incident.ts';
import { evidence, incident } from '../../test/support/incident.ts';
import { type Delivery, known, newsOf, storm } from './plan.ts';
import { tallyOf } from './tally.ts';

describe('the alerts of the bench', () => {
  it('are 10,000 in a minute, each from two Alertmanagers, 2,800 of them in groups of 700', () => {
    const all = storm(10_000);
    assert.equal(all.flatMap(({ alerts }) => alerts).length, 10_000);
    assert.deepEqual(
      all.map(({ alerts }) => alerts.length).filter((count) => count > 1),
      [700, 700, 700, 700],
    );
    assert.ok(all.every(({ at }) => at >= 0 && at < 61_000));
    const sentBy = (wanted: number): string[] =>
      all
        .filter(({ alertmanager }) => alertmanager === wanted)
        .map(({ alerts }) => JSON.stringify(alerts))
        .toSorted();
    assert.deepEqual(sentBy(0), sentBy(1));
  });

  it('are no more for one workload than its Incident keeps', () => {
    const pods = new Map<string, Set<string>>();
    for (const { alerts } of [...storm(10_000), ...known(200, 30)])
      for (const { workload, labels } of alerts) {
        if (workload === undefined) continue;
        const found = pods.get(workload) ?? new Set();
        pods.set(workload, found.add(labels.pod ?? ''));
      }
    assert.ok(Math.max(...[...pods.values()].map((found) => found.size)) <= 64);
  });

  it('say something new only once', () => {
    const alerts = [{ workload: 'a/web', status: 'firing', labels: { pod: '1' } }] as const;
    const delivery = (alertmanager: 0 | 1): Delivery => ({ at: 0, alertmanager, alerts });
    const over: Delivery = { ...delivery(0), alerts: [{ ...alerts[0], status: 'resolved' }] };
    assert.equal(newsOf([delivery(0), delivery(1), over, delivery(0)]), 2);
  });
});

describe('the tally of the bench', () => {
  const alert = (workload: string | undefined, pod: string) =>
    ({ workload, status: 'firing', labels: { pod } }) as const;
  const deliveries: Delivery[] = [
    { at: 0, alertmanager: 0, alerts: [alert('a/web', '1'), alert(undefined, '1')] },
    { at: 0, alertmanager: 1, alerts: [alert('a/web', '2')] },
  ];
  const incidentOf = (...pods: string[]): Incident => ({
    ...incident(undefined, { evidence: pods.map((pod) => evidence({ labels: { pod } })) }),
    metadata: { namespace: 'a', name: 'web-1' },
  });
  const answered = (...answers: number[]) => ({ answers, ms: 1 });

  it('finds what was stored, what nobody wanted, and what was refused before', () => {
    const tally = tallyOf(deliveries, [answered(503, 200), answered(200)], [incidentOf('1', '2')]);
    assert.deepEqual(tally, { sent: 5, stored: 2, unmatched: 1, refused: 2, lost: 0 });
  });

  it('counts as lost what was answered with 200 and is nowhere, and what was never answered', () => {
    const nowhere = tallyOf(deliveries, [answered(200), answered(200)], [incidentOf('1')]);
    assert.deepEqual([nowhere.sent, nowhere.lost], [3, 1]);
    const silent = tallyOf(deliveries, [answered(200), { answers: [], ms: undefined }], [incidentOf('1', '2')]);
    assert.deepEqual([silent.sent, silent.lost], [3, 1]);
  });
});
