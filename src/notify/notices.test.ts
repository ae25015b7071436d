import assert from 'node:assert/strict';
import { describe, it } from 'mocha';
import {
  AT,
  at,
  conditionWith,
  digestOf,
  gitSync,
  history,
  hold,
  incident,
  release,
} from '../../test/support/objects.ts';
import type { GitSync } from '../api/gitsync.ts';
import type { Hold } from '../api/hold.ts';
import type { Incident } from '../api/incident.ts';
import type { KubeObject } from '../api/meta.ts';
import { NOTIFIED_KINDS } from '../api/notification.ts';
import type { WatchCache } from '../kube/index.ts';
import { noticesSince } from './notices.ts';

const BAD = 'b'.repeat(40);
const FIX = 'f'.repeat(40);
const LATER = 'a'.repeat(40);
const REPOSITORY = 'https://git.example.com/shop.git';
const gitSyncRef = { namespace: 'shop', name: 'app' };

const cacheOf = <T extends KubeObject>(...objects: T[]): WatchCache<T> => ({
  get: ({ name }) => objects.find(({ metadata }) => metadata.name === name),
  list: (namespace) => objects.filter(({ metadata }) => namespace === undefined || metadata.namespace === namespace),
  onChange: () => () => {},
  ready: async () => {},
  stop: async () => {},
});

const releases = [
  release(4, { commit: FIX, gitSyncRef, outcome: 'Active' }),
  release(3, { commit: BAD, gitSyncRef, outcome: 'Rejected' }),
  release(2, { commit: 'c'.repeat(40), gitSyncRef }),
];
const stored = (objects: { incidents?: Incident[]; holds?: Hold[]; syncs?: GitSync[] }, current = 2) => ({
  incidents: cacheOf(...(objects.incidents ?? [])),
  holds: cacheOf(...(objects.holds ?? [])),
  syncs: cacheOf(...(objects.syncs ?? [gitSync('app', {})])),
  histories: cacheOf(history({ currentRelease: current, releases })),
});
const all = { kinds: new Set(NOTIFIED_KINDS), namespace: 'shop' };
const since = (time: string, ...given: Parameters<typeof stored>) =>
  noticesSince(Date.parse(time), all, stored(...given));

describe('what an Incident reports', () => {
  const entry = (
    seconds: number,
    phase: 'Open' | 'Judging' | 'RollingBack' | 'Verifying' | 'Recovered',
    reason: string,
  ) => ({
    time: at(seconds),
    phase,
    reason,
    message: `${reason} it is`,
  });
  const timeline = [
    entry(0, 'Open', 'Progressing'),
    entry(10, 'Judging', 'AwaitingApproval'),
    entry(20, 'RollingBack', 'ErrorRateIncreased'),
    entry(30, 'Verifying', 'RolledBack'),
    entry(90, 'Recovered', 'Recovered'),
  ];
  const suspect = { number: 3, sourceDigest: digestOf(3), commit: BAD };
  const given = incident('web-3-abc', { phase: 'Verifying', rolledBackTime: at(30), timeline }, { suspect });

  it('is each entry of its timeline, but that evidence was stored', () => {
    const found = since(AT, { incidents: [given] });
    assert.deepEqual(
      found.map(({ time, reason, severity, message }) => [time, reason, severity, message]),
      [
        [at(10), 'AwaitingApproval', 'warning', 'AwaitingApproval it is'],
        [at(20), 'ErrorRateIncreased', 'warning', 'ErrorRateIncreased it is'],
        [at(30), 'RolledBack', 'warning', 'RolledBack it is'],
        [at(90), 'Recovered', 'info', 'Recovered it is'],
      ],
    );
    assert.equal(new Set(found.map(({ id }) => id)).size, 4);
    assert.deepEqual(since(AT, { incidents: [structuredClone(given)] }), found, 'the same ids after a restart');
  });

  it('is about the commit of the suspect: what a forge shows beside it', () => {
    const commits = since(AT, { incidents: [given] }).flatMap(({ reason, commits: [note] }) =>
      note ? [[reason, note.sha, note.state, note.repository]] : [],
    );
    assert.deepEqual(commits, [
      ['AwaitingApproval', BAD, 'pending', REPOSITORY],
      ['RolledBack', BAD, 'failure', REPOSITORY],
      ['Recovered', BAD, 'failure', REPOSITORY],
    ]);
  });

  it('is nothing of before, nor of another namespace', () => {
    assert.deepEqual(
      since(at(30), { incidents: [given] }).map(({ reason }) => reason),
      ['Recovered'],
    );
    const closed = { ...given, status: { ...given.status, closedTime: at(90) } };
    assert.deepEqual(since(at(90), { incidents: [closed] }), []);
    const elsewhere = { ...given, metadata: { ...given.metadata, namespace: 'bank' } };
    assert.deepEqual(since(AT, { incidents: [elsewhere] }), []);
  });
});

describe('what a Hold reports', () => {
  const later = { lastTransitionTime: at(10) };
  const held = conditionWith('Held', { ...later, reason: 'RolledBack', message: 'web is back at release 2' });

  it('is that its target runs, beside the commit that does not', () => {
    const [found, ...more] = since(AT, { holds: [hold('h', { phase: 'Held', conditions: [held] })] });
    assert.equal(more.length, 0);
    assert.deepEqual([found?.kind, found?.reason, found?.targetRelease], ['Hold', 'RolledBack', 2]);
    assert.deepEqual(
      found?.commits.map(({ sha, state }) => [sha, state]),
      [[BAD, 'failure']],
    );
  });

  it('is that a fix runs, beside its commit', () => {
    const dormant = conditionWith('Held', { ...later, status: 'False', reason: 'Dormant' });
    const [found] = since(AT, { holds: [hold('h', { phase: 'Dormant', conditions: [dormant] })] }, 4);
    assert.deepEqual([found?.reason, found?.severity], ['Dormant', 'info']);
    assert.deepEqual(
      found?.commits.map(({ sha, state }) => [sha, state]),
      [[FIX, 'success']],
    );
  });

  it('is that the target can not be applied, that it is overdue, and that somebody contests it', () => {
    const conditions = ['Stalled', 'Overdue', 'Contested'].map((type) =>
      conditionWith(type, { ...later, reason: type }),
    );
    const found = since(AT, { holds: [hold('h', { phase: 'Failed', conditions })] });
    assert.deepEqual(
      found.map(({ reason }) => reason),
      ['Stalled', 'Overdue', 'Contested'],
    );
  });

  it('is nothing where it accepts or denies', () => {
    const accept = {
      ...hold('h', { conditions: [held] }),
      spec: { workloadRef: { kind: 'Deployment', name: 'web' }, action: 'Accept', origin: 'Manual' },
    } as Hold;
    assert.deepEqual(since(AT, { holds: [accept] }), []);
  });
});

describe('what a GitSync reports', () => {
  const ready = (status: 'True' | 'False', reason: string) =>
    conditionWith('Ready', { status, reason, lastTransitionTime: at(10) });

  it('is that it comes to be ready, or not, and not that it waits', () => {
    const of = (status: 'True' | 'False', reason: string) =>
      since(AT, {
        syncs: [gitSync('app', { conditions: [ready(status, reason)], lastAttemptedRevision: `main@${BAD}` })],
      });
    assert.deepEqual(
      of('True', 'ReconciliationSucceeded').map((n) => [n.reason, n.severity]),
      [['ReconciliationSucceeded', 'info']],
    );
    const [failed] = of('False', 'KustomizeFailed');
    assert.deepEqual(
      [failed?.reason, failed?.severity, failed?.revision],
      ['KustomizeFailed', 'warning', `main@${BAD}`],
    );
    assert.deepEqual(of('False', 'Progressing'), []);
  });

  it('is each revision of which a part is held, beside its commit', () => {
    const held = [
      {
        workloadRef: { kind: 'Deployment', namespace: 'shop', name: 'web' } as const,
        holdRef: { name: 'h' },
        digest: digestOf(3),
        targetRelease: 2,
      },
    ];
    const [found] = since(AT, {
      syncs: [gitSync('app', { heldRevision: `main@${LATER}`, heldRevisionTime: at(50), held })],
    });
    assert.deepEqual([found?.reason, found?.time, found?.revision], ['ReleaseHeld', at(50), `main@${LATER}`]);
    assert.deepEqual(
      found?.commits.map(({ sha, state, repository, description }) => [sha, state, repository, description]),
      [[LATER, 'failure', REPOSITORY, 'held out by Hold h: release 2 of Deployment web runs instead']],
    );
  });
});
