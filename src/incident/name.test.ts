import assert from 'node:assert/strict';
import { describe, it } from 'mocha';
import { incidentName } from './name.ts';

const web = { kind: 'Deployment', namespace: 'shop', name: 'web' } as const;
const free = (): boolean => false;

describe('the name of an incident', () => {
  it('follows from the workload, the suspect and the incident before it', () => {
    const name = incidentName(web, 'a', 'u', free);
    assert.match(name, /^web-[0-9a-f]{10}$/);
    assert.equal(incidentName({ ...web }, 'a', 'u', free), name);
    for (const other of [
      incidentName(web, 'b', 'u', free),
      incidentName(web, 'a', 'v', free),
      incidentName(web, undefined, 'u', free),
      incidentName(web, 'a', undefined, free),
      incidentName({ ...web, namespace: 'other' }, 'a', 'u', free),
    ])
      assert.notEqual(other, name);
  });

  it('begins with as much of the name of the workload as a name takes, and is one', () => {
    for (const [name, base] of [
      ['my-web.v1', 'my-web.v1'],
      ['a'.repeat(80), 'a'.repeat(50)],
      [`${'a'.repeat(47)}-.-b`, 'a'.repeat(47)],
    ] as const)
      assert.equal(incidentName({ ...web, name }, 'a', 'u', free).replace(/-[0-9a-f]{10}$/, ''), base);
  });

  it('is another one for as long as it is taken', () => {
    const tried: string[] = [];
    const name = incidentName(web, 'a', 'u', (one) => tried.push(one) < 4);
    assert.equal(new Set(tried).size, 4);
    assert.equal(name, tried.at(-1));
  });
});
