import assert from 'node:assert/strict';
import { load } from 'js-yaml';
import { describe, it } from 'mocha';
import { KUBECTL_SCHEMA } from './schema.ts';

const read = (text: string): unknown => load(`k: ${text}\n`, { schema: KUBECTL_SCHEMA, json: true });

describe('the scalars of a manifest', () => {
  // Text, and what `kubectl create --dry-run=client -o json` makes of it (1.32).
  const table: [string, unknown][] = [
    ['yes', true],
    ['y', true],
    ['on', true],
    ['NO', false],
    ['n', false],
    ['Off', false],
    ['"yes"', 'yes'],
    ['~', null],
    ['017', 15],
    ['-017', -15],
    ['0o17', 15],
    ['0_7', 7],
    ['08', 8],
    ['09.5', 9.5],
    ['0x1F', 31],
    ['-0x1F', -31],
    ['0x', '0x'],
    ['0b11', 3],
    ['0b12', '0b12'],
    ['+1', 1],
    ['-0', 0],
    ['1_000', 1000],
    ['1__0', 10],
    ['_1', '_1'],
    ['18446744073709551616', 18446744073709552000],
    ['1e3', 1000],
    ['1e+3', 1000],
    ['1e400', '1e400'],
    ['.5', 0.5],
    ['+.5', 0.5],
    ['.5e3', 500],
    ['1.', 1],
    ['1.0', 1],
    ['1._0', 1],
    ['._1', '._1'],
    ['1_000.5', 1000.5],
    ['1:30', '1:30'],
    ['190:20:30', '190:20:30'],
    ['2001-01-01', '2001-01-01'],
    ['2001-12-14t21:59:43.10-05:00', '2001-12-14t21:59:43.10-05:00'],
    ['=', '='],
    ['!!str 12', '12'],
    ['!!int "12"', 12],
    ['!!float 1', 1],
    ['!!binary aGVsbG8=', 'hello'],
    ['{1: a, true: b, 1.5: c}', { 1: 'a', true: 'b', 1.5: 'c' }],
  ];
  // kubectl makes a float of what is above int64, which the API server does in turn; below it keeps all digits.
  const exact: [string, unknown][] = [
    ['9007199254740993', 9007199254740993n],
    ['-9007199254740993', -9007199254740993n],
    ['9_007_199_254_740_993', 9007199254740993n],
    ['1234567890123456789', 1234567890123456789n],
    ['9223372036854775807', 9223372036854775807n],
    ['-9223372036854775808', -9223372036854775808n],
    ['0x7fffffffffffffff', 9223372036854775807n],
    ['0777777777777777777777', 9223372036854775807n],
    ['18446744073709551615', 18446744073709551615n],
    ['!!int "1234567890123456789"', 1234567890123456789n],
    ['9007199254740992', 9007199254740992],
    ['9007199254740993.0', 9007199254740992],
    ['{1234567890123456789: a}', { '1234567890123456789': 'a' }],
    ['"1234567890123456789"', '1234567890123456789'],
  ];
  for (const [text, value] of [...table, ...exact]) {
    it(`${text} is read as by kubectl`, () => assert.deepEqual(read(text), { k: value }));
  }
});
