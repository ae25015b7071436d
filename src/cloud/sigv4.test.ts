import assert from 'node:assert/strict';
import { describe, it } from 'mocha';
import { amzDate, signed } from './sigv4.ts';

describe('Signature Version 4', () => {
  it('is that of the published case post-vanilla', () => {
    const request = {
      url: new URL('https://example.amazonaws.com/'),
      headers: {},
      body: '',
      now: Date.UTC(2015, 7, 30, 12, 36, 0),
    };
    const keys = { accessKeyId: 'AKIDEXAMPLE', secretAccessKey: 'wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY' };
    const { authorization } = signed(request, { region: 'us-east-1', service: 'service' }, keys);
    assert.equal(
      authorization,
      'AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20150830/us-east-1/service/aws4_request, SignedHeaders=host;x-amz-date, Signature=5da7c1a2acd57cee7505fc6676e4e544621c30862966e37dddb68e92efbe5d6b',
    );
  });

  it('covers every header, the token of the session and the body', () => {
    const request = { url: new URL('https://kms.us-east-1.amazonaws.com/'), headers: { a: '1' }, body: 'x', now: 0 };
    const scope = { region: 'us-east-1', service: 'kms' };
    const keys = { accessKeyId: 'A', secretAccessKey: 'S', sessionToken: 'T' };
    const { authorization = '', ...headers } = signed(request, scope, keys);
    assert.match(authorization, /SignedHeaders=a;host;x-amz-date;x-amz-security-token,/);
    assert.equal(headers['x-amz-security-token'], 'T');
    for (const other of [
      { ...request, body: 'y' },
      { ...request, headers: { a: '2' } },
    ])
      assert.notEqual(signed(other, scope, keys).authorization, authorization);
  });

  it('has times without separators', () =>
    assert.equal(amzDate(Date.UTC(2026, 0, 2, 3, 4, 5, 678)), '20260102T030405Z'));
});
