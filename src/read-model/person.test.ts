import assert from 'node:assert/strict';
import { describe, it } from 'mocha';
import { at, conditionWith, gitSync, hold, incident } from '../../test/support/objects.ts';
import { awaitsPerson } from './person.ts';

const asking = conditionWith('NeedsPerson');
const ask = (objects: Partial<Parameters<typeof awaitsPerson>[0]>) =>
  awaitsPerson({ incidents: [], holds: [], syncs: [], ...objects });
const said = (objects: Parameters<typeof ask>[0]) =>
  ask(objects).map(({ kind, name, reason, message, next }) => [kind, name, reason, message, next]);

describe('what needs a person', () => {
  it('is nothing where metricops goes on by itself', () => {
    const objects = {
      incidents: [
        incident('judged', { phase: 'Judging', conditions: [conditionWith('NeedsPerson', { status: 'False' })] }),
        incident('fresh', undefined),
      ],
      holds: [hold('pending'), hold('held', { phase: 'Held' }), hold('dormant', { phase: 'Dormant' })],
      syncs: [
        gitSync('new', undefined),
        gitSync('retried', { conditions: [conditionWith('Ready', { status: 'False' })] }),
        gitSync('handed-over', {
          conditions: [conditionWith('PrunePending')],
          prunePending: [{ id: 'shop_x__ConfigMap', reason: 'HandoverPending', message: 'other takes it over' }],
        }),
      ],
    };
    assert.deepEqual(said(objects), []);
  });

  it('is an incident with the condition, the newest first, with its reason and the next step', () => {
    const status = { reason: 'AwaitingApproval', message: 'release 3 fails', conditions: [asking] };
    const incidents = [
      incident('older', { phase: 'Verifying', reason: 'NotRecovered', message: 'still burning', conditions: [asking] }),
      incident('newer', { phase: 'Judging', ...status }, { createdTime: at(60) }),
    ];
    assert.deepEqual(said({ incidents }), [
      ['Incident', 'newer', 'AwaitingApproval', 'release 3 fails', 'ApproveOrDeny'],
      ['Incident', 'older', 'NotRecovered', 'still burning', 'FindOtherCause'],
    ]);
  });

  it('is an incident that is stalled, until it is closed', () => {
    const stalled = conditionWith('Stalled', { reason: 'InternalError', message: 'id 1234' });
    assert.deepEqual(said({ incidents: [incident('a', { phase: 'Judging', conditions: [stalled] })] }), [
      ['Incident', 'a', 'InternalError', 'id 1234', undefined],
    ]);
    assert.deepEqual(said({ incidents: [incident('a', { phase: 'Dismissed', conditions: [stalled] })] }), []);
  });

  it('is a hold whose target can not be applied, once: the incident that names it says it', () => {
    const stalled = conditionWith('Stalled', { reason: 'SnapshotMissing', message: 's-2 is gone' });
    const holds = [hold('web-1', { phase: 'Failed', conditions: [stalled] })];
    assert.deepEqual(said({ holds }), [['Hold', 'web-1', 'SnapshotMissing', 's-2 is gone', undefined]]);
    const status = { reason: 'HoldFailed', message: 's-2 is gone', holdRef: { name: 'web-1' }, conditions: [asking] };
    const incidents = [incident('a', { phase: 'RollingBack', ...status })];
    assert.deepEqual(said({ holds, incidents }), [['Incident', 'a', 'HoldFailed', 's-2 is gone', 'Decide']]);
  });

  it('is a hold whose target is not applied for too long, whatever it waits for', () => {
    const overdue = conditionWith('Overdue', { reason: 'RollbackOverdue', message: 'since noon: paused' });
    const holds = [hold('web-1', { phase: 'Pending', conditions: [overdue] })];
    assert.deepEqual(said({ holds }), [['Hold', 'web-1', 'RollbackOverdue', 'since noon: paused', undefined]]);
  });

  it('is a hold that an incident names which is closed, or goes on by itself', () => {
    const holds = [hold('web-1', { phase: 'Failed' })];
    for (const phase of ['Dismissed', 'RollingBack'] as const) {
      const incidents = [incident('a', { phase, holdRef: { name: 'web-1' } })];
      assert.deepEqual(
        ask({ holds, incidents }).map(({ name }) => name),
        ['web-1'],
      );
    }
  });

  it('is a GitSync that does not try again, but none that a person suspended', () => {
    const status = { conditions: [conditionWith('Stalled', { reason: 'RenderFailed', message: 'a.yaml: bad' })] };
    assert.deepEqual(said({ syncs: [gitSync('app', status), gitSync('off', status, { suspend: true })] }), [
      ['GitSync', 'app', 'RenderFailed', 'a.yaml: bad', undefined],
    ]);
  });

  it('is a deletion that a person has to confirm, said once, with the command', () => {
    const entry = { id: 'shop_data__PersistentVolumeClaim', message: 'it holds data' };
    const pending = conditionWith('PrunePending', { message: 'to confirm: kubectl annotate' });
    const confirm = { conditions: [pending], prunePending: [{ ...entry, reason: 'ConfirmationRequired' }] };
    assert.deepEqual(said({ syncs: [gitSync('app', confirm)] }), [
      ['GitSync', 'app', 'ConfirmationRequired', 'to confirm: kubectl annotate', undefined],
    ]);
    const stalled = conditionWith('Stalled', { reason: 'PruneLimitExceeded', message: 'nothing is deleted' });
    const limit = { conditions: [stalled, pending], prunePending: [{ ...entry, reason: 'PruneLimitExceeded' }] };
    assert.deepEqual(said({ syncs: [gitSync('app', limit)] }), [
      ['GitSync', 'app', 'PruneLimitExceeded', 'to confirm: kubectl annotate', undefined],
    ]);
  });
});
