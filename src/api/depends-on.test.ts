import assert from 'node:assert/strict';
import { describe, it } from 'mocha';
import { annotations } from './annotations.ts';
import { dependenciesOf, dependencyEntries } from './depends-on.ts';
import { workloadString } from './workload.ts';

const annotated = (said: string | undefined) => ({
  apiVersion: 'apps/v1',
  kind: 'Deployment',
  metadata: {
    namespace: 'shop',
    name: 'web',
    annotations: said === undefined ? {} : { [annotations.dependsOn]: said },
  },
});
const read = (said: string | undefined): string[] => dependenciesOf(annotated(said)).map(workloadString);

describe('the annotation metricops.dev/depends-on', () => {
  it('names workloads of the same namespace and of others, as kubectl writes them', () =>
    assert.deepEqual(read('deployment/db, auth/Deploy/login,sts/queue'), [
      'deployment/shop/db',
      'deployment/auth/login',
      'statefulset/shop/queue',
    ]));

  for (const said of [undefined, '', ',', 'db', 'service/db', 'deployment/', 'a/b/deployment/db'])
    it(`names none where it says ${JSON.stringify(said)}`, () => assert.deepEqual(read(said), []));

  it('names the others where one entry is none', () =>
    assert.deepEqual(read('service/db,deployment/db'), ['deployment/shop/db']));

  it('shows which entries name none', () =>
    assert.deepEqual(
      dependencyEntries(annotated(' service/db , ,deployment/db')).map(({ said, workload }) => [said, workload?.name]),
      [
        ['service/db', undefined],
        ['deployment/db', 'db'],
      ],
    ));

  it('is read up to 32 entries', () => {
    const many = Array.from({ length: 40 }, (_, i) => `deployment/db-${i}`).join();
    assert.equal(read(many).length, 32);
  });
});
