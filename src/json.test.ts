import assert from 'node:assert/strict';
import fc from 'fast-check';
import { describe, it } from 'mocha';
import { integer, readJson, writeJson } from './json.ts';

describe('JSON', () => {
  for (const digits of [
    '9007199254740993',
    '-9007199254740993',
    '1234567890123456789',
    '9223372036854775807',
    '-9223372036854775808',
    '18446744073709551615',
  ]) {
    it(`keeps ${digits}, wherever it stands`, () => {
      for (const text of [digits, `[${digits}]`, `{"a":${digits},"b":[1,${digits}]}`]) {
        assert.equal(writeJson(readJson(text)), text);
      }
      assert.deepEqual(readJson(`{ "a" :\n ${digits} }`), { a: BigInt(digits) });
    });
  }

  it('has a number for what is written the same again', () => {
    assert.equal(integer('9007199254740992'), 9007199254740992);
    assert.equal(integer('1234567890123456800'), 1234567890123456800);
  });

  it('has a number for what one holds, and for what 64 bits do not hold', () => {
    assert.equal(integer('9007199254740991'), 9007199254740991);
    assert.equal(integer('-9007199254740991'), -9007199254740991);
    assert.equal(integer('18446744073709551616'), 18446744073709552000);
    assert.equal(integer('-9223372036854775809'), -9223372036854776000);
  });

  it('takes floats for floats and texts for texts, as long as they may be', () => {
    const text =
      '{"f":1234567890123456.5,"e":1234567890123456e3,"t":"a: 1234567890123456789","z":[0.12345678901234567]}';
    assert.deepEqual(readJson(text), JSON.parse(text));
  });

  it('reads and writes what JSON.parse and JSON.stringify do', () => {
    fc.assert(
      fc.property(fc.jsonValue(), (value) => {
        const text = JSON.stringify(value);
        assert.equal(writeJson(value), text);
        assert.deepEqual(readJson(text), JSON.parse(text));
      }),
    );
  });

  it('writes any 64 bits back as it read them', () => {
    const int = fc.bigInt({ min: -(2n ** 63n), max: 2n ** 64n - 1n });
    fc.assert(
      fc.property(fc.array(int), (values) => {
        const text = `[${values.join(',')}]`;
        assert.equal(writeJson(readJson(text)), text);
      }),
    );
  });

  it('tells what can not be written', () => {
    const circle: unknown[] = [1n];
    circle.push(circle);
    assert.throws(() => writeJson(circle), TypeError);
  });
});
