import assert from 'node:assert/strict';
import { describe, it } from 'mocha';
import type { Hold } from '../api/hold.ts';
import type { Incident, IncidentStatus } from '../api/incident.ts';
import { MAX_OPEN_PER_NAMESPACE, type Place, placeOf, type Stored } from './place.ts';

const NOW = Date.parse('2026-01-01T12:00:00Z');
const minutesAgo = (n: number): string => new Date(NOW - n * 60_000).toISOString();
const digest = (n: number): string => `v1:${String(n).repeat(64)}`;
const web = { kind: 'Deployment', name: 'web', namespace: 'shop' } as const;
const stored = (incidents: Incident[] = [], holds: Hold[] = []): Stored => ({
  incidents,
  holds,
  history: { currentRelease: 2, releases: [{ number: 2, sourceDigest: digest(2) }] } as Stored['history'],
});
const burn = (startsAt = minutesAgo(0), labels: Record<string, string> = {}) => ({
  match: { workload: web },
  alerts: [{ status: 'firing' as const, labels, fingerprint: JSON.stringify(labels), startsAt }],
  truncated: false,
});
const opened = (place: Place, status?: IncidentStatus): Incident => {
  assert.equal(place.do, 'create');
  const { incident } = place as Extract<Place, { incident: Incident }>;
  return {
    ...incident,
    metadata: { ...incident.metadata, uid: `uid-${incident.metadata.name}` },
    ...(status ? { status } : {}),
  };
};
const closed = (minutes: number): IncidentStatus => ({ phase: 'Dismissed', closedTime: minutesAgo(minutes) });
const NEEDS_PERSON = {
  type: 'NeedsPerson',
  status: 'True',
  reason: 'AwaitingApproval',
  message: '',
  lastTransitionTime: minutesAgo(1),
} as const;
const place = (s: Stored) => placeOf(burn(), s, NOW);

describe('where an alert belongs', () => {
  it('is one incident, whichever of two replicas opens it, and whichever alert came to it', () => {
    const first = opened(place(stored()));
    const second = opened(placeOf(burn(minutesAgo(1), { severity: 'ticket' }), stored(), NOW));
    assert.equal(first.metadata.name, second.metadata.name);
    assert.equal(placeOf(burn(), stored([first]), NOW).do, 'known');
  });

  it('is a new one after those of the release were closed, also when the oldest of them expired', () => {
    const all: Incident[] = [];
    for (let i = 0; i < 5; i += 1) {
      const next = opened(place(stored(all)), closed(100 - i));
      assert.ok(!all.some(({ metadata }) => metadata.name === next.metadata.name), next.metadata.name);
      all.push(next);
    }
    for (let left = 4; left > 0; left -= 1) {
      const kept = all.slice(-left);
      const next = opened(place(stored(kept)));
      assert.ok(
        !all.some(({ metadata }) => metadata.name === next.metadata.name),
        `${next.metadata.name}, ${left} left`,
      );
    }
  });

  it('is never an incident that a Hold remembers, nor an object that has the name', () => {
    const first = opened(place(stored()));
    const hold = { metadata: { name: 'h' }, spec: { incidentRef: { name: first.metadata.name } } } as Hold;
    const second = opened(place(stored([], [hold])));
    assert.notEqual(second.metadata.name, first.metadata.name);
    const foreign = { ...first, spec: { ...first.spec, workloadRef: { kind: 'Deployment' as const, name: 'other' } } };
    assert.notEqual(opened(place(stored([foreign]))).metadata.name, first.metadata.name);
  });

  it('is none while too many others of the namespace are open, which those that wait for a person are not', () => {
    const other = (i: number, status?: IncidentStatus): Incident => {
      const incident = opened(placeOf({ ...burn(), match: { workload: { ...web, name: `w${i}` } } }, stored(), NOW));
      return { ...incident, ...(status ? { status } : {}) };
    };
    const open = Array.from({ length: MAX_OPEN_PER_NAMESPACE }, (_, i) => other(i));
    assert.equal(place(stored(open)).do, 'full');
    assert.equal(place(stored(open.slice(1))).do, 'create');
    const waiting = open.map((_, i) => other(i, { phase: 'Judging', conditions: [NEEDS_PERSON] }));
    assert.equal(place(stored(waiting)).do, 'create');
  });

  it('is a new one under an alert that rang through a release that was superseded, or through a restore', () => {
    for (const reason of ['Superseded', 'Restored']) {
      const old = opened(place(stored()), { ...closed(5), reason });
      assert.equal(placeOf(burn(minutesAgo(6)), stored([old]), NOW).do, 'create', reason);
    }
  });

  it('is none for what began before a person lifted the Hold of the release', () => {
    const lifted = stored();
    lifted.history = {
      ...lifted.history,
      releases: [{ ...lifted.history.releases?.[0], liftedTime: minutesAgo(5) }],
    } as Stored['history'];
    assert.equal(placeOf(burn(minutesAgo(6)), lifted, NOW).do, 'ignored');
    assert.equal(placeOf(burn(minutesAgo(4)), lifted, NOW).do, 'create');
  });

  it('is the open incident while no release is recorded', () => {
    const bare = { ...stored(), history: {} };
    const first = opened(place(stored()));
    assert.equal(placeOf(burn(), { ...bare, incidents: [first] }, NOW).do, 'known');
  });

  it('is none for what is over, or rings from before an incident was closed', () => {
    const old = opened(place(stored()), closed(5));
    assert.equal(placeOf(burn(minutesAgo(6)), stored([old]), NOW).do, 'ignored');
    assert.equal(placeOf(burn(minutesAgo(4)), stored([old]), NOW).do, 'create');
    const over = { ...burn(), alerts: burn().alerts.map((a) => ({ ...a, status: 'resolved' as const })) };
    assert.equal(placeOf(over, stored(), NOW).do, 'ignored');
  });
});
