import assert from 'node:assert/strict';
import { describe, it } from 'mocha';
import type { Hold } from '../api/hold.ts';
import type { Incident } from '../api/incident.ts';
import { FINALIZER } from './finalizer.ts';
import { newAcceptance, newDenial, newRollback } from './new-hold.ts';
import { answerOf, effective, isDigestAccepted, isDigestRejected, rejectionsOf } from './rules.ts';

const digest = (letter: string): string => `v1:${letter.repeat(64)}`;
const workload = { kind: 'Deployment', namespace: 'shop', name: 'web' } as const;
const target = { number: 1, sourceDigest: digest('a'), snapshotRef: { name: 's' } };
const rollback = newRollback({ workload, digest: digest('b'), target, origin: 'Incident', incident: 'i', message: '' });
const acceptance = newAcceptance({ workload, digest: digest('b'), message: '' });
const denial = newDenial({ workload, digest: digest('b'), incident: 'i', message: '' });
const incident = (name: string, suspect: string | undefined = digest('b')): Pick<Incident, 'metadata' | 'spec'> => ({
  metadata: { namespace: 'shop', name },
  spec: {
    workloadRef: { kind: 'Deployment', name: 'web' },
    evidence: [],
    ...(suspect === undefined ? {} : { suspect: { number: 2, sourceDigest: suspect } }),
  },
});
const deleted = (hold: Hold, finalizers: string[]): Hold => ({
  ...hold,
  metadata: { ...hold.metadata, deletionTimestamp: '2026-01-01T12:00:00Z', finalizers },
});

describe('what Holds say of a digest', () => {
  it('is that it is rejected, where a Hold of its workload rejects it', () => {
    assert.equal(isDigestRejected([rollback], workload, digest('b')), true);
    assert.equal(isDigestRejected([rollback], workload, digest('c')), false);
    assert.equal(isDigestRejected([rollback], { ...workload, name: 'api' }, digest('b')), false);
    assert.equal(isDigestRejected([rollback], { ...workload, kind: 'StatefulSet' }, digest('b')), false);
    assert.equal(isDigestRejected([rollback], { ...workload, namespace: 'other' }, digest('b')), false);
  });

  it('is that it is not, as long as another Hold accepts it', () => {
    const holds = [rollback, acceptance];
    assert.equal(isDigestAccepted(holds, workload, digest('b')), true);
    assert.deepEqual(rejectionsOf(holds, workload, digest('b')), []);
    assert.deepEqual(
      effective([rollback], holds).map(({ spec }) => spec.rejectedDigests),
      [[]],
    );
    const others = newAcceptance({ workload, digest: digest('c'), message: '' });
    for (const holds of [[], [rollback, denial], [others], [deleted(acceptance, [])]])
      assert.equal(effective([rollback], holds)[0], rollback, 'what nobody accepted is the very same');
  });

  it('is that the others of a Hold stay rejected when one of them is accepted', () => {
    const both = { ...rollback, spec: { ...rollback.spec, rejectedDigests: [digest('b'), digest('c')] } };
    const [left] = effective([both], [both, acceptance]);
    assert.deepEqual(left?.spec, { ...both.spec, rejectedDigests: [digest('c')] });
  });

  it('is not that it is rejected, where others of its workload are accepted, or an incident of it was denied', () => {
    const other = newAcceptance({ workload, digest: digest('c'), message: '' });
    assert.equal(isDigestRejected([other, denial], workload, digest('b')), false);
    assert.equal(isDigestAccepted([other, denial, rollback], workload, digest('b')), false);
  });

  it('stays until the controller has let go of a Hold that is being deleted', () => {
    assert.equal(isDigestRejected([deleted(rollback, [FINALIZER])], workload, digest('b')), true);
    assert.equal(isDigestRejected([deleted(rollback, ['example.com/other'])], workload, digest('b')), false);
  });
});

describe('the answer to an incident', () => {
  it('is nothing while nobody said anything, and a rollback is no answer', () => {
    assert.equal(answerOf([], incident('i')), undefined);
    assert.equal(answerOf([rollback], incident('i')), undefined);
  });

  it('is Denied for the incident that the Hold names, and for no later one', () => {
    assert.equal(answerOf([denial], incident('i')), 'Denied');
    assert.equal(answerOf([denial], incident('later')), undefined);
    const { incidentRef: _, ...spec } = denial.spec;
    assert.equal(answerOf([{ ...denial, spec }], incident('i')), undefined);
  });

  it('is Accepted for every incident of the digest', () => {
    assert.equal(answerOf([acceptance], incident('i')), 'Accepted');
    assert.equal(answerOf([acceptance, denial], incident('later')), 'Accepted');
    assert.equal(answerOf([acceptance], incident('i', digest('c'))), undefined);
  });

  it('comes from Holds of its own workload and namespace', () => {
    const elsewhere = { ...denial, metadata: { ...denial.metadata, namespace: 'other' } };
    const ofAnother = {
      ...denial,
      spec: { ...denial.spec, workloadRef: { kind: 'Deployment', name: 'api' } as const },
    };
    assert.equal(answerOf([elsewhere, ofAnother], incident('i')), undefined);
  });
});

describe('the Holds of one question', () => {
  it('have one name, so that the first answer excludes the others', () => {
    const names = [rollback, acceptance, denial].map(({ metadata }) => metadata.name);
    assert.deepEqual(new Set(names).size, 1);
  });
});
