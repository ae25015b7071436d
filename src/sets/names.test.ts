import assert from 'node:assert/strict';
import fc from 'fast-check';
import { describe, it } from 'mocha';
import { dnsLabel } from './names.ts';

describe('the name of a generated GitSync', () => {
  const cases: [string, string][] = [
    ['web', 'web'],
    ['a--b', 'a--b'],
    ['clusters/eu/prod', 'clusters-eu-prod'],
    ['My_App.v2', 'my-app-v2'],
    ['-web-', 'web'],
    ['***', ''],
  ];
  for (const [text, name] of cases) {
    it(`of ${text} is ${name || 'nothing'}`, () => assert.equal(dnsLabel(text), name));
  }

  it('is hashed where it is too long, so that two long ones stay two', () => {
    const long = 'x'.repeat(70);
    assert.match(dnsLabel(`${long}a`), /^x{52}-[0-9a-f]{10}$/);
    assert.notEqual(dnsLabel(`${long}a`), dnsLabel(`${long}b`));
  });

  it('is a DNS-1123 label of any text, and that of a label is the label itself', () => {
    fc.assert(
      fc.property(fc.string({ maxLength: 200 }), (text) => {
        const name = dnsLabel(text);
        assert.match(name, /^([a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?)?$/);
        assert.equal(dnsLabel(name), name);
      }),
    );
  });
});
