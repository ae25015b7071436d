import assert from 'node:assert/strict';
import { describe, it } from 'mocha';
import { type Measurement, measurement } from '../api/incident.ts';
import { factsOf } from './facts.ts';
import { nodes, pods } from './places.ts';

const NOON = Date.parse('2026-01-01T12:00:00Z');
const at = (seconds: number): string => new Date(NOON + seconds * 1000).toISOString();
const counts = (errors: number, requests: number) => ({ errors: String(errors), requests: String(requests) });
type Ratio = NonNullable<Measurement['ratio']>;

/** A release of noon that burns since so many seconds after it. */
const facts = (ratio: Partial<Ratio>, rest: Partial<Measurement> = {}, began = 0) =>
  factsOf(
    measurement.parse({
      ...{ releasedTime: at(0), readyTime: at(5), alertTime: at(began + 20) },
      ...{ maxReleaseAge: '24h', minRequests: 20, minScore: 3 },
      ratio: {
        threshold: '0.01',
        resolutionSeconds: 5,
        course: [
          { time: at(-300), ...counts(0, 3000) },
          { time: at(began), ...counts(200, 1000) },
        ],
        ...ratio,
      },
      ...rest,
    }),
  );
const podsOf = (burning: number, well: number, of: { nodes?: string[]; byAge?: boolean } = {}): Partial<Ratio> => ({
  pods: {
    burning: { pods: burning, ...counts(50, 100), nodes: of.nodes ?? [] },
    well: { pods: well, ...counts(0, 300) },
    byAge: of.byAge ?? false,
  },
});

describe('pods of one release that differ', () => {
  it('are not its doing, in words', () => {
    assert.deepEqual(pods(facts(podsOf(1, 2, { nodes: ['x'] }))), {
      name: 'Pods',
      points: -9,
      reason: 'PodsDiffer',
      message:
        '1 pod of it fails 50 % of 100 requests on node x, 2 other pods of the same release fail 0 % of 300 requests in the same minutes',
    });
    assert.match(
      pods(facts(podsOf(2, 1, { nodes: ['x', 'y'] })))?.message ?? '',
      /^2 pods of it fail 50 % of 100 requests on nodes x, y, 1 other pod of the same release fails/,
    );
    assert.match(pods(facts(podsOf(1, 1)))?.message ?? '', /^1 pod of it fails 50 % of 100 requests, 1 other pod/);
  });

  it('are none where all of them burn, none does, or nobody counted them', () => {
    assert.equal(pods(facts(podsOf(1, 0))), undefined);
    assert.equal(pods(facts(podsOf(0, 1))), undefined);
    assert.equal(pods(facts({})), undefined);
    assert.equal(pods({ ...facts({}), ratio: undefined }), undefined);
  });

  it('are no evidence long after the release where the older ones burn: it may leak', () => {
    const late = 6 * 3600;
    assert.equal(pods(facts(podsOf(1, 1, { byAge: true }), {}, late)), undefined);
    assert.equal(pods(facts(podsOf(1, 1, { byAge: true })))?.points, -9);
    assert.equal(pods(facts(podsOf(1, 1), {}, late))?.points, -9);
  });
});

describe('nodes on which a release burns', () => {
  const byNode = (name: string, here: [number, number], elsewhere: [number, number]) => ({
    ...{ name, here: counts(...here) },
    elsewhere: counts(...elsewhere),
  });

  it('fail others, too, in words', () => {
    const cart = byNode('cart', [100, 500], [1, 500]);
    const found = nodes(facts(podsOf(1, 0, { nodes: ['x'] }), { byNode: [cart, byNode('db', [50, 500], [0, 500])] }));
    assert.deepEqual(found, {
      name: 'Nodes',
      points: -9,
      reason: 'NodesFail',
      message:
        'of cart, db the pods on the same nodes (x) fail 15 % of 1000 requests, those elsewhere 0.1 % of 1000 requests in the same minutes',
    });
    const unknown = nodes(facts({}, { byNode: [cart] }));
    assert.match(unknown?.message ?? '', /^of cart the pods on the same nodes fail 20 % of 500 requests/);
  });

  it('say nothing where others fail no more there', () => {
    assert.equal(nodes(facts(podsOf(1, 0), { byNode: [byNode('cart', [1, 500], [1, 500])] })), undefined);
    const rule = { ...facts({}, { byNode: [byNode('cart', [100, 500], [1, 500])] }), ratio: undefined };
    assert.equal(nodes(rule), undefined);
  });

  it('count only those that fail more there', () => {
    const found = nodes(
      facts({}, { byNode: [byNode('cart', [100, 500], [1, 500]), byNode('db', [1, 500], [1, 500])] }),
    );
    assert.match(found?.message ?? '', /^of cart the pods/);
  });

  it('are doubted where others burn on them and nowhere else', () => {
    const neighbours = [
      { name: 'cart', alertTime: at(10), sameNodes: true },
      { name: 'db', alertTime: at(10) },
    ];
    assert.deepEqual(nodes(facts(podsOf(1, 0, { nodes: ['x'] }), { neighbours })), {
      name: 'Nodes',
      points: -6,
      reason: 'NodesFail',
      message: 'its pods that burn are on node x, and of cart only pods on the same nodes burn',
    });
    assert.equal(nodes(facts({}, { neighbours })), undefined);
    assert.equal(nodes(facts(podsOf(1, 0), { neighbours: neighbours.slice(1) })), undefined);
    assert.equal(nodes({ ...facts({}, { neighbours }), ratio: undefined }), undefined);
  });
});
