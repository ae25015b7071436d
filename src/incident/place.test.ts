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
/** Nobody says when it began. */
const timeless = (fingerprint = '{}') => ({
  ...burn(),
  alerts: burn().alerts.map((alert) => ({ ...alert, fingerprint, startsAt: undefined })),
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
    for (const status of [
      { conditions: [NEEDS_PERSON] },
      { reason: 'WaitsForDependency' },
      { reason: 'Silenced', dueTime: minutesAgo(-60) },
    ]) {
      const waiting = open.map((_, i) => other(i, { phase: 'Judging', ...status }));
      assert.equal(place(stored(waiting)).do, 'create', JSON.stringify(status));
    }
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

  it('adds an alert that is new to the open incident, and changes nothing else of it', () => {
    const first = { ...opened(place(stored())), status: { phase: 'Judging' as const } };
    const found = placeOf(burn(minutesAgo(0), { severity: 'ticket' }), stored([first]), NOW);
    assert.equal(found.do, 'update');
    const { incident } = found as Extract<Place, { incident: Incident }>;
    assert.deepEqual({ ...incident, spec: { ...incident.spec, evidence: first.spec.evidence } }, first);
    assert.deepEqual(
      incident.spec.evidence.map(({ labels }) => labels),
      [{}, { severity: 'ticket' }],
    );
  });

  it('is an incident of the same kind and name', () => {
    const first = opened(place(stored()));
    const sameName = { ...first, spec: { ...first.spec, workloadRef: { kind: 'StatefulSet' as const, name: 'web' } } };
    assert.equal(place(stored([sameName])).do, 'create');
  });

  describe('under another release than that of the open incident', () => {
    const old = (status?: IncidentStatus): Incident => {
      const { metadata, spec } = opened(place(stored()));
      const suspect = { number: 1, sourceDigest: digest(1) };
      return { ...opened(place(stored())), metadata, spec: { ...spec, suspect }, ...(status ? { status } : {}) };
    };

    it('is a new incident, also for an alert that does not say when it began', () => {
      assert.equal(place(stored([old({ phase: 'Judging' })])).do, 'create');
      assert.equal(placeOf(timeless(), stored([old({ phase: 'Judging' })]), NOW).do, 'create');
    });

    it('is the incident that rolls back: the alert rings on for a while', () => {
      for (const phase of ['RollingBack', 'Verifying'] as const)
        assert.equal(place(stored([old({ phase })])).do, 'known', phase);
    });

    it('is a new incident where the open one has no suspect, and a release is recorded since', () => {
      const { suspect: _, ...spec } = old().spec;
      assert.equal(place(stored([{ ...old(), spec }])).do, 'create');
    });
  });

  it('has a name that follows from the last of the closed incidents of the release, in whatever order they are read', () => {
    const one = opened(place(stored()), closed(20));
    const two = opened(place(stored([one])), closed(10));
    const suspect = { number: 1, sourceDigest: digest(1) };
    const other = { ...one, metadata: { name: 'other', uid: 'uid-other' }, spec: { ...one.spec, suspect } };
    const name = opened(place(stored([one, two]))).metadata.name;
    for (const incidents of [
      [two, one],
      [{ ...other, status: closed(5) }, one, two],
      [{ ...other, status: { phase: 'Judging' as const } }, one, two],
    ])
      assert.equal(opened(place(stored(incidents))).metadata.name, name);
  });

  it('is a new incident with the release that runs, and the policy that guards the workload', () => {
    const current = { number: 2, sourceDigest: digest(2), revision: 'r2', commit: 'c0ffee' };
    const history = { currentRelease: 2, releases: [{ number: 3, sourceDigest: digest(3) }, current] };
    const match = { workload: web, policy: { metadata: { name: 'slo' } } };
    const found = placeOf({ ...burn(), match } as never, { ...stored(), history } as Stored, NOW);
    const { apiVersion, kind, metadata, spec } = opened(found);
    assert.deepEqual([apiVersion, kind, metadata.namespace], ['metricops.dev/v1alpha1', 'Incident', 'shop']);
    const { evidence, ...rest } = spec;
    assert.equal(evidence.length, 1);
    assert.deepEqual(rest, {
      workloadRef: { kind: 'Deployment', name: 'web' },
      suspect: current,
      policyRef: { name: 'slo' },
    });
  });

  it('is a new incident without what is not known', () => {
    assert.deepEqual(opened(place(stored())).spec.suspect, { number: 2, sourceDigest: digest(2) });
    const { evidence: _, ...spec } = opened(place({ ...stored(), history: {} })).spec;
    assert.deepEqual(spec, { workloadRef: { kind: 'Deployment', name: 'web' } });
  });

  it('is none for what is over, also where a part of the delivery was left out', () => {
    const over = burn().alerts.map((alert) => ({ ...alert, status: 'resolved' as const }));
    assert.equal(placeOf({ ...burn(), alerts: over, truncated: true }, stored(), NOW).do, 'ignored');
  });

  it('is none for an alert that began in the moment in which an incident was closed, or a Hold lifted', () => {
    const old = opened(place(stored()), closed(5));
    assert.equal(placeOf(burn(minutesAgo(5)), stored([old]), NOW).do, 'ignored');
    const history = {
      currentRelease: 2,
      releases: [{ number: 2, sourceDigest: digest(2), liftedTime: minutesAgo(5) }],
    };
    assert.equal(placeOf(burn(minutesAgo(5)), { ...stored(), history } as Stored, NOW).do, 'ignored');
  });

  it('is none for an alert without a beginning that a closed incident had, and a new one for any other', () => {
    const old = opened(place(stored()), closed(5));
    assert.equal(placeOf(timeless(), stored([old]), NOW).do, 'ignored');
    assert.equal(placeOf(timeless('other'), stored([old]), NOW).do, 'create');
    const history = {
      currentRelease: 2,
      releases: [{ number: 2, sourceDigest: digest(2), liftedTime: minutesAgo(5) }],
    };
    assert.equal(placeOf(timeless('other'), { ...stored(), history } as Stored, NOW).do, 'create');
  });
});
