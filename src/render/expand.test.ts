import assert from 'node:assert/strict';
import fc from 'fast-check';
import { describe, it } from 'mocha';
import { expand } from './expand.ts';

const fail = (what: string, name?: string): never => {
  throw new Error(`${name ?? ''}: ${what}`);
};
const expanded = (text: string, variables: Record<string, string> = {}, spend: (n: number) => void = () => {}) =>
  expand(text, {
    variables: new Map(Object.entries(variables).map(([name, value]) => [name, { value, isSecret: false }])),
    spend,
    fail,
  }).text;

// What Flux makes of the same (https://fluxcd.io/flux/components/kustomize/kustomizations/#post-build-variable-substitution).
const table: [text: string, variables: Record<string, string>, expected: string][] = [
  ['no expression', {}, 'no expression'],
  ['$VAR and $(VAR) stay', { VAR: 'x' }, '$VAR and $(VAR) stay'],
  ['${VAR}', { VAR: 'x' }, 'x'],
  ['${VAR}', { VAR: '' }, ''],
  ['a${VAR}b${VAR}c', { VAR: 'x' }, 'axbxc'],
  ['${VAR:=default}', {}, 'default'],
  ['${VAR:=default}', { VAR: '' }, 'default'],
  ['${VAR:-default}', {}, 'default'],
  ['${VAR=default}', {}, 'default'],
  ['${VAR:=default}', { VAR: 'x' }, 'x'],
  ['${VAR:=}', {}, ''],
  ['${VAR:=a:b/c}', {}, 'a:b/c'],
  ['foo: ${VAR=prefix${OTHER}-suffix}', { OTHER: 'x' }, 'foo: prefixx-suffix'],
  ['${VAR=${OTHER^^}}', { OTHER: 'abc' }, 'ABC'],
  ['${#VAR}', { VAR: 'abcdEFGH28ij' }, '12'],
  ['${#VAR}', { VAR: 'ä' }, '2'],
  ['${VAR^}', { VAR: 'abcD' }, 'AbcD'],
  ['${VAR^^}', { VAR: 'abcD' }, 'ABCD'],
  ['${VAR,}', { VAR: 'ABcD' }, 'aBcD'],
  ['${VAR,,}', { VAR: 'ABcD' }, 'abcd'],
  ['${VAR:5}', { VAR: '/home/me' }, '/me'],
  ['${VAR:1:4}', { VAR: '/home/me' }, 'home'],
  ['${VAR:0:8}', { VAR: '0123456789' }, '01234567'],
  ['${VAR: -2}', { VAR: '/home/me' }, 'me'],
  ['${VAR:99}', { VAR: 'abc' }, ''],
  ['${VAR/abc/xyz}', { VAR: 'abcABCabc' }, 'xyzABCabc'],
  ['${VAR//abc/xyz}', { VAR: 'abcABCabc' }, 'xyzABCxyz'],
  ['${VAR/#abc/X}', { VAR: 'abcabc' }, 'Xabc'],
  ['${VAR/%abc/X}', { VAR: 'abcabc' }, 'abcX'],
  ['${VAR/#/v}', { VAR: '1' }, 'v1'],
  ['${VAR/%/m}', { VAR: '1' }, '1m'],
  ['${VAR/./}', { VAR: 'foo.bar' }, 'foobar'],
  ['${VAR//\\//-}', { VAR: 'a/b/c' }, 'a-b-c'],
  ['${VAR//\\\\//-}', { VAR: 'a/b/c' }, 'a-b-c'],
  ['${VAR//a/$&}', { VAR: 'aa' }, '$&$&'],
  ['${VAR/a/$&}', { VAR: 'aa' }, '$&a'],
  ['$${VAR}', { VAR: 'x' }, '${VAR}'],
  ['$${VAR=${OTHER}}', { OTHER: 'foo' }, '${VAR=foo}'],
  ['some ${VAR}$${VAR$${VAR}$VAR${VAR}', { VAR: 'x' }, 'some x${VAR${VAR}$VARx'],
  ['\\\\a ${VAR}', { VAR: 'x' }, '\\\\a x'],
  ['${VAR}', { VAR: 'not ${OTHER} again' }, 'not ${OTHER} again'],
];

describe('an expression', () => {
  for (const [text, variables, expected] of table)
    it(`${text} with ${JSON.stringify(variables)} is ${JSON.stringify(expected)}`, () =>
      assert.equal(expanded(text, variables), expected));

  for (const [text, message] of [
    ['${VAR}', /VAR: no variable has this name, and there is no default/],
    ['${VAR:=${OTHER}}', /OTHER: no variable/],
    ['${#VAR}', /VAR: no variable/],
    ['${VAR^^}', /VAR: no variable/],
    ['${VAR:0:1}', /VAR: no variable/],
    ['${VAR/a/b}', /VAR: no variable/],
    ['${SET', /SET: the expression is not one that is known/],
    ['${VAR:=x', /no closing brace/],
    ['${my-key}', /my: the expression is not one that is known/],
    ['${SET#*/}', /SET: the expression is not one/],
    ['${SET:x}', /SET: position and length are whole numbers/],
    ['${SET:0:-1}', /SET: position and length/],
    ['${}', /begins with no name/],
    ['${1}', /begins with no name/],
    ['${array[@]}', /array: the expression|array: no variable/],
    ['${A:='.repeat(20) + '}'.repeat(20), /nest deeper than 16/],
  ] as [string, RegExp][])
    it(`${text.slice(0, 40)} is refused in words`, () => assert.throws(() => expanded(text, { SET: 'x' }), message));

  const upTo = (most: number): ((n: number) => void) => {
    let left = most;
    return (n) => {
      left -= n;
      if (left < 0) throw new Error('too much');
    };
  };
  const long = 'a'.repeat(60_000);

  for (const [what, text] of [
    ['a replacement for each letter of a long value, before it grows', '${VAR//a/${VAR}}'],
    ['many that read a long value and make nothing of it', '${VAR//a/}'.repeat(1000)],
    ['many lengths of a long value', '${#VAR}'.repeat(1000)],
    ['many that take nothing of a long value', '${VAR:0:0}'.repeat(1000)],
    ['a long text that is looked for at each place of a long value', `\${VAR/b${'a'.repeat(30_000)}/}`],
  ] as const)
    it(`is counted by what it costs: ${what}`, () =>
      assert.throws(() => expanded(text, { VAR: long }, upTo(1_000_000)), /too much/));

  it('that is a long value as it stands is counted once', () => {
    for (const text of ['${VAR}', '${VAR:=x}', '${VAR//b/c}', '${OTHER:=${VAR}}'])
      assert.equal(expanded(text, { VAR: long }, upTo(long.length)), long);
  });

  it('of any text either gives a text or is refused with an error of ours, and what has none stays', () => {
    const alphabet = fc.constantFrom('$', '{', '}', 'A', ':', '=', '-', '/', '#', '%', '^', ',', '\\', '1', ' ');
    fc.assert(
      fc.property(fc.array(alphabet, { maxLength: 30 }), (chars) => {
        const text = chars.join('');
        try {
          const made = expanded(text, { A: 'x' });
          if (!text.includes('${')) assert.equal(made, text);
        } catch (error) {
          assert.match((error as Error).message, /: (an? |the |no |position|expressions)/);
        }
      }),
      { numRuns: 5000 },
    );
  });
});
