import assert from 'node:assert/strict';
import { describe, it } from 'mocha';
import { annotations } from '../api/annotations.ts';
import { changedRollback, holdAgain, newAcceptance, newDenial, newRollback, proposedHold } from './new-hold.ts';

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

describe('a new Hold', () => {
  const asked = { workload, digest: digest('b'), message: 'too slow' };
  const shared = { workloadRef: { kind: 'Deployment', name: 'web' }, origin: 'Manual', message: 'too slow' };
  const images = [{ container: 'web', image: 'shop@sha256:aa' }];

  it('that rolls back keeps the digest out, and names the target and its pins', () => {
    const { spec } = newRollback({ ...asked, target: { ...to(1, 'a') }, images, origin: 'Manual' });
    assert.deepEqual(spec, {
      ...shared,
      action: 'Rollback',
      rejectedDigests: [digest('b')],
      target: { release: 1, sourceDigest: digest('a'), snapshotRef: { name: 's-1' }, images },
      scope: 'Workload',
    });
  });

  it('has no pins where none are asked for, or needed', () => {
    const rollback = { ...asked, target: to(1, 'a'), origin: 'Manual' } as const;
    for (const { spec } of [newRollback(rollback), newRollback({ ...rollback, images: [] })])
      assert.deepEqual(spec.target, { release: 1, sourceDigest: digest('a'), snapshotRef: { name: 's-1' } });
  });

  it('of a target that is known with more than the API takes names its parts only', () => {
    const target = { ...to(1, 'a'), snapshotRef: { name: 's-1', uid: 'u' } };
    const { spec } = newRollback({ ...asked, target, origin: 'Manual' });
    assert.deepEqual(spec.target.snapshotRef, { name: 's-1' });
  });

  it('that answers an incident says which digest it accepts, or which incident it denies', () => {
    assert.deepEqual(newAcceptance(asked).spec, { ...shared, action: 'Accept', acceptedDigests: [digest('b')] });
    assert.deepEqual(newDenial({ ...asked, incident: 'web-3-abc' }).spec, {
      ...shared,
      action: 'Deny',
      incidentRef: { name: 'web-3-abc' },
    });
  });

  it('is in the namespace of its workload, with the name of who asked for it', () => {
    const { apiVersion, kind, metadata } = newAcceptance({ ...asked, requestedBy: 'alice' });
    assert.deepEqual([apiVersion, kind, metadata.namespace], ['metricops.dev/v1alpha1', 'Hold', 'shop']);
    assert.deepEqual(metadata.annotations, { [annotations.requestedBy]: 'alice' });
    assert.ok(!('annotations' in newAcceptance(asked).metadata));
  });

  it('has a message of at most 1,024 characters, which the API takes', () => {
    assert.equal(newAcceptance({ ...asked, message: 'x'.repeat(2000) }).spec.message, 'x'.repeat(1024));
  });
});

describe('a Hold that a person changes', () => {
  const asked = { workload, digest: digest('b'), target: to(1, 'a'), origin: 'Manual', message: 'no, older' } as const;

  it('stays with the incident that it came of, and with what it covers', () => {
    const { metadata, spec } = changedRollback(existing, asked);
    assert.equal(metadata, existing.metadata);
    assert.deepEqual([spec.incidentRef, spec.origin, spec.scope], [{ name: 'web-3-abc' }, 'Incident', 'GitSync']);
    assert.deepEqual([spec.target.release, spec.message], [1, 'no, older']);
  });

  it('covers what is asked for now, and is of the incident that is asked for now, where these are', () => {
    const { spec } = changedRollback(existing, { ...asked, scope: 'Workload', incident: 'web-4-def' });
    assert.deepEqual([spec.scope, spec.incidentRef], ['Workload', { name: 'web-4-def' }]);
  });

  it('is of no incident where it never was', () => {
    const { incidentRef: _, ...spec } = existing.spec;
    assert.ok(!('incidentRef' in changedRollback({ ...existing, spec }, asked).spec));
  });

  it('keeps out what it did before, and what runs now, but never its target', () => {
    assert.deepEqual(changedRollback(existing, asked).spec.rejectedDigests, [digest('c'), digest('b')]);
    const forth = { ...asked, digest: digest('a'), target: to(3, 'c') };
    assert.deepEqual(changedRollback(existing, forth).spec.rejectedDigests, [digest('a')]);
    const twice = changedRollback(changedRollback(existing, asked), asked);
    assert.deepEqual(twice.spec.rejectedDigests, [digest('c'), digest('b')]);
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
    const again = holdAgain(existing, [digest('d')], 'once more');
    assert.deepEqual([again.metadata.namespace, again.metadata.name], ['shop', `${existing.metadata.name}-again`]);
    assert.deepEqual(again.spec.rejectedDigests, [digest('d')]);
    assert.equal(again.metadata.annotations?.[annotations.requestedBy], 'alice');
    assert.deepEqual([again.spec.message, again.spec.target], ['once more', existing.spec.target]);
    assert.equal(holdAgain(again, [digest('c')], '').metadata.name, existing.metadata.name);
    const { annotations: _, ...nobody } = existing.metadata;
    assert.ok(!('annotations' in holdAgain({ ...existing, metadata: nobody }, [], '').metadata));
  });
});
