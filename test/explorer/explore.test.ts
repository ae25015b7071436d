import assert from 'node:assert/strict';
import { describe, it } from 'mocha';
import { searchAll } from './pool.ts';
import { scenarios } from './scenario.ts';
import { sumOf, wordsOf } from './words.ts';

const STATES = 50_000;

describe('every state that a rollback can come to, as far as it is searched', () => {
  it(`breaks no invariant in ${STATES} states, whatever goes wrong on the way`, async function () {
    this.timeout(900_000);
    const search = { states: STATES / scenarios.length + 1, endEvery: 50, seed: 0 };
    const found = await searchAll(scenarios.map((scenario) => ({ search: { scenario, ...search }, edits: [] })));
    assert.equal(wordsOf(found), '');
    assert.ok(sumOf(found, 'states') >= STATES, `${sumOf(found, 'states')} states`);
    assert.ok(sumOf(found, 'endings') > 0);
  });
});
