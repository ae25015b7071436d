import assert from 'node:assert/strict';
import { choiceOf, switchOf } from './annotation-values.ts';

const NAME = 'metricops.dev/some';
const saying = (value: string | undefined) => ({ annotations: value === undefined ? {} : { [NAME]: value } });

describe('the value of an annotation', () => {
  const switches: [string | undefined, boolean | undefined][] = [
    ['true', true],
    ['True', true],
    ['TRUE', true],
    [' true ', true],
    ['enabled', true],
    ['Enabled', true],
    ['false', false],
    ['False', false],
    ['disabled', false],
    ['Disabled', false],
    ['', undefined],
    ['yes', undefined],
    ['1', undefined],
    ['not-true', undefined],
    [undefined, undefined],
  ];
  for (const [value, expected] of switches)
    it(`${JSON.stringify(value)} switches ${expected === undefined ? 'nothing' : expected ? 'on' : 'off'}`, () =>
      assert.equal(switchOf(saying(value), NAME), expected));

  const choices: [string | undefined, string | undefined][] = [
    ['CreateOnly', 'CreateOnly'],
    ['create-only', 'CreateOnly'],
    ['Create-Only', 'CreateOnly'],
    ['createonly ', 'CreateOnly'],
    ['IGNORE', 'Ignore'],
    ['create only', undefined],
    ['', undefined],
    [undefined, undefined],
  ];
  for (const [value, expected] of choices)
    it(`${JSON.stringify(value)} chooses ${expected ?? 'nothing'}`, () =>
      assert.equal(choiceOf(saying(value), NAME, ['CreateOnly', 'Ignore']), expected));

  it('that is no text says nothing', () => {
    const metadata = JSON.parse(`{"annotations":{"${NAME}":true}}`);
    assert.deepEqual([switchOf(metadata, NAME), choiceOf(metadata, NAME, ['true'])], [undefined, undefined]);
  });

  it('without any metadata says nothing', () => assert.equal(switchOf(undefined, NAME), undefined));
});
