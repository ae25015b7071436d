import assert from 'node:assert/strict';
import { describe, it } from 'mocha';
import { annotations } from '../api/annotations.ts';
import { changedRollback, holdAgain, newRollback, proposedHold } from './new-hold.ts';

const digest = (letter: string): string => `v1:${letter.repeat(64)}`;
const workload = { kind: 'Deployment', namespace: 'shop', name: 'web' } as const;
const to = (number: number, letter: string) => ({
  number,
  sourceDigest: digest(letter),
  snapshotRef: { name: `s-${number}` },
});
const existing = newRollback({
  workload,
  digest: digest('c'),
  target: to(2, 'b'),
  origin: 'Incident',
  scope: 'GitSync',
  incident: 'web-3-abc',
  requestedBy: 'alice',
  message: 'guilty',
});

describe('a Hold that a person changes', () => {
  const asked = { workload, digest: digest('b'), target: to(1, 'a'), origin: 'Manual', message: 'no, older' } as const;

  it('stays with the incident that it came of, and with what it covers', () => {
    const { metadata, spec } = changedRollback(existing, asked);
    assert.equal(metadata, existing.metadata);
    assert.deepEqual([spec.incidentRef, spec.origin, spec.scope], [{ name: 'web-3-abc' }, 'Incident', 'GitSync']);
    assert.deepEqual([spec.target.release, spec.message], [1, 'no, older']);
  });

  it('keeps out what it did before, and what runs now, but never its target', () => {
    assert.deepEqual(changedRollback(existing, asked).spec.rejectedDigests, [digest('c'), digest('b')]);
    const forth = { ...asked, digest: digest('a'), target: to(3, 'c') };
    assert.deepEqual(changedRollback(existing, forth).spec.rejectedDigests, [digest('a')]);
  });
});

describe('a Hold that is made of another', () => {
  it('is the very one that the incident proposes, with who approved it', () => {
    const { metadata, spec } = existing;
    const proposed = proposedHold('shop', { name: metadata.name, spec }, 'alice');
    assert.deepEqual(proposed, existing);
    assert.equal(proposedHold('shop', { name: 'x', spec }).metadata.annotations, undefined);
  });

  it('has the other of two names, and the name of who asked first', () => {
    const again = holdAgain(existing, [digest('c')], 'once more');
    assert.equal(again.metadata.name, `${existing.metadata.name}-again`);
    assert.equal(again.metadata.annotations?.[annotations.requestedBy], 'alice');
    assert.deepEqual([again.spec.message, again.spec.target], ['once more', existing.spec.target]);
    assert.equal(holdAgain(again, [digest('c')], '').metadata.name, existing.metadata.name);
  });
});
