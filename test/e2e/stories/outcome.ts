import assert from 'node:assert/strict';
import { conditionIs } from '../../../src/api/conditions.ts';
import { isRollback } from '../../../src/api/hold.ts';
import type { Incident } from '../../../src/api/incident.ts';
import type { KubeObject } from '../../../src/api/meta.ts';
import { type Release, releasesOf } from '../../../src/api/release-history.ts';
import type { Seen, Stage } from './stage.ts';

/** What a service should have come to. */
export interface RolledBack {
  /** Numbers of the releases that are kept out, and of the one that runs instead. */
  from: readonly number[];
  to: number;
  /** Of the image that runs. */
  tag: string;
}

/**
 * Waits until a service is rolled back and its alerts are over. Then everything that a user can look at says that this
 * was done, and once. Gives the incident.
 */
export const rolledBack = async (stage: Stage, service: string, { from, to, tag }: RolledBack): Promise<Incident> => {
  await stage.incident(service, 'recovered', ({ status }) => status?.phase === 'Recovered');
  await stage.settled();
  await stage.sync();
  return stage.until(`one rollback of ${service}, as all objects say it`, async () => {
    const seen = await stage.seen(service);
    const releases = releasesOf(seen.history);
    const [incident, ...others] = seen.incidents.filter(({ status }) => status?.rolledBackTime !== undefined);
    const { status, metadata } = incident ?? {};
    assert.ok(incident && others.length === 0, `${others.length + 1} incidents rolled it back`);
    assert.deepEqual([status?.phase, status?.verdict?.result], ['Recovered', 'Guilty']);
    for (const type of ['Judged', 'RolledBack', 'Recovered'])
      assert.ok(conditionIs(status?.conditions, type, 'True'), `${type} is True`);
    assert.deepEqual(
      seen.holds
        .filter(isRollback)
        .map(({ spec, status: { phase } = {} }) => [phase, spec.incidentRef?.name, spec.target.release]),
      [['Held', metadata?.name, to]],
    );
    const digests = from.map((number) => digestOf(releases, number));
    assert.deepEqual(seen.holds[0]?.spec.rejectedDigests?.toSorted(), digests.toSorted());
    assert.deepEqual(
      releases
        .filter(({ rejectedCount }) => rejectedCount !== undefined)
        .map(({ number, outcome, rejectedCount }) => [number, outcome, rejectedCount])
        .toReversed(),
      from.map((number) => [number, 'Rejected', 1]),
    );
    assert.ok(releases.find(({ number }) => number === to)?.restoredTime, `release ${to} was restored`);
    assert.ok(conditionIs(seen.sync?.status?.conditions, 'Held', 'True'), 'the GitSync says Held');
    assert.ok(isHeld(seen), 'the GitSync names the workload');
    runs(seen, { release: to, tag });
    return incident;
  });
};

/**
 * Waits until the alerts of a service are over. Then nothing was rolled back, and this release runs. Gives the incidents
 * that there were.
 */
export const leftAlone = async (
  stage: Stage,
  service: string,
  { release, tag }: { release: number; tag: string },
): Promise<readonly Incident[]> => {
  await stage.settled();
  return stage.until(`nothing done to ${service}, as all objects say it`, async () => {
    const seen = await stage.seen(service);
    assert.deepEqual(
      seen.holds.map(({ metadata }) => metadata.name),
      [],
    );
    for (const { status } of seen.incidents)
      assert.deepEqual([status?.holdRef, status?.rolledBackTime], [undefined, undefined]);
    const kept = releasesOf(seen.history).filter(({ rejectedTime }) => rejectedTime !== undefined);
    assert.deepEqual(kept, []);
    assert.ok(!isHeld(seen), 'the GitSync does not name the workload');
    runs(seen, { release, tag });
    return seen.incidents;
  });
};

/** All of its pods, and its template, are of this release. */
export const runs = (
  { workload, history, images, sync }: Seen,
  { release, tag }: { release: number; tag: string },
): void => {
  const wanted = `metricops.dev/shop:${tag}`;
  assert.equal(history?.spec.currentRelease, release);
  assert.equal(imageOf(workload), wanted);
  assert.deepEqual(images, [wanted, wanted]);
  assert.ok(conditionIs(sync?.status?.conditions, 'Ready', 'True'), 'the GitSync is Ready');
};

/** Of its template. */
export const imageOf = (workload: KubeObject | undefined): string | undefined => {
  const { template } = (workload?.spec ?? {}) as { template?: { spec: { containers: { image: string }[] } } };
  return template?.spec.containers[0]?.image;
};

const isHeld = ({ workload, sync }: Seen): boolean =>
  sync?.status?.held?.some(({ workloadRef }) => workloadRef.name === workload?.metadata.name) ?? false;

const digestOf = (releases: readonly Release[], number: number): string =>
  releases.find((release) => release.number === number)?.sourceDigest ?? `release ${number} is not recorded`;
