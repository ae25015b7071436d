import assert from 'node:assert/strict';
import { describe, it } from 'mocha';
import { GROUP } from '../api/annotations.ts';
import { kinds } from '../api/crd.ts';
import { resources } from './resources.ts';

describe('the kinds of metricops', () => {
  it('are the same in the API and in the client: each has a resource, under its plural and scope', () => {
    const own = Object.values(resources).filter(({ group }) => group === GROUP);
    const of = (kind: string, plural: string, namespaced: boolean): string => `${kind} ${plural} ${namespaced}`;
    assert.deepEqual(
      own.map(({ kind, plural, namespaced }) => of(kind, plural, namespaced)).toSorted(),
      kinds.map(({ kind, plural, scope }) => of(kind, plural, scope !== 'Cluster')).toSorted(),
    );
  });
});
