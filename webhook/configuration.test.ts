import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { load } from 'js-yaml';
import { describe, it } from 'mocha';
import { webhookConfiguration } from './configuration.ts';

const FILE = join(import.meta.dirname, '../deploy/webhook.yaml');

describe('the MutatingWebhookConfiguration', () => {
  it('is the one that deploy/ installs', () => {
    assert.deepEqual(load(readFileSync(FILE, 'utf8')), webhookConfiguration());
  });

  it('never stands in the way: failures are ignored, within 2 s', () => {
    for (const entry of webhookConfiguration().webhooks as Record<string, unknown>[]) {
      assert.equal(entry.failurePolicy, 'Ignore');
      assert.equal(entry.timeoutSeconds, 2);
      assert.equal(entry.reinvocationPolicy, 'IfNeeded');
      assert.equal(entry.sideEffects, 'None');
    }
  });

  it('is rendered without caBundle, which would be drift against what is written at run time', () => {
    assert.ok(!JSON.stringify(webhookConfiguration()).includes('caBundle'));
  });
});
