import assert from 'node:assert/strict';
import { describe, it } from 'mocha';
import { ReasonError } from '../../api/reason-error.ts';
import { refuseRemoteReferences } from './values-schema.ts';

const check = (schema: unknown): void =>
  refuseRemoteReferences(typeof schema === 'string' ? schema : JSON.stringify(schema), 'web: values.schema.json');

describe('the schema of the values of a chart', () => {
  for (const schema of [
    {},
    { $schema: 'http://json-schema.org/draft-07/schema#', type: 'object' },
    { $schema: 'https://json-schema.org/draft/2020-12/schema', $ref: '#/$defs/a', $defs: { a: true } },
    { properties: { $ref: { type: 'string' }, $schema: {} } },
    { $id: 'https://example.com/values', properties: { a: { $ref: '#/definitions/a' } } },
  ])
    it(`may refer to itself: ${JSON.stringify(schema)}`, () => check(schema));

  for (const schema of [
    { $ref: 'http://169.254.169.254/latest/meta-data/' },
    { properties: { a: { items: [{ $ref: 'https://example.com/schema.json#/a' }] } } },
    { $ref: 'file:///etc/passwd' },
    { $ref: 'other.json' },
    { $ref: '' },
    { $id: 'http://127.0.0.1:9402/', $ref: 'metrics' },
    { $dynamicRef: 'http://example.com/#a' },
    { $schema: 'http://example.com/schema' },
    { $schema: 'http://json-schema.org/draft-05/schema#' },
    { properties: { a: { $schema: 'http://json-schema.org.example.com/draft-07/schema#' } } },
    '{"\\u0024ref": "http://example.com/"}',
  ])
    it(`is refused where it refers to another one: ${JSON.stringify(schema)}`, () =>
      assert.throws(
        () => check(schema),
        (e: ReasonError) =>
          e instanceof ReasonError &&
          e.code === 'ChartRefused' &&
          /^web: values.schema.json refers to .*, which is not fetched.*skipSchemaValidation$/.test(e.message),
      ));

  it('is refused where it is no JSON, or nests without end', () => {
    assert.throws(() => check('{"$ref": "http://example.com/",}'), /is no JSON/);
    assert.throws(() => check(`${'{"a":'.repeat(10_000)}1${'}'.repeat(10_000)}`), /nests deeper than 200/);
  });
});
