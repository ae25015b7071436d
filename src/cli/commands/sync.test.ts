import assert from 'node:assert/strict';
import { describe, it } from 'mocha';
import { AT, gitSync } from '../../../test/support/objects.ts';
import { describe as describeSync } from './sync.ts';

const ID = { id: 'a', version: 'a', content: 'b', hooksContent: 'c', isInstall: false, requestedAt: '' };

describe('metricops get', () => {
  it('has a line for each hook, and none where there are no hooks', () => {
    const job = { kind: 'Job', namespace: 'shop' } as const;
    const sync = gitSync('app', {
      hookRun: { revision: 'main@0123456789', state: 'Failed', ...ID },
      hooks: [
        { ...job, name: 'migrate', phase: 'PreSync', state: 'Succeeded' },
        { ...job, name: 'check', phase: 'PostSync', state: 'Failed', message: 'BackoffLimitExceeded' },
      ],
    });
    const shown = describeSync(sync, Date.parse(AT));
    assert.match(shown, /^Hooks +of main@01234567$/m);
    assert.match(shown, /^ +PreSync Job shop\/migrate: Succeeded$/m);
    assert.match(shown, /^ +PostSync Job shop\/check: Failed \(BackoffLimitExceeded\)$/m);
    assert.doesNotMatch(describeSync(gitSync('app', undefined), Date.parse(AT)), /Hooks/);
  });
});
