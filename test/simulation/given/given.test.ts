import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { after, describe, it } from 'mocha';
import { countsIn, ratioOf } from '../counts.ts';
import { createRandom } from '../random.ts';
import type { Given } from './given.ts';
import { readRecordings } from './recordings.ts';
import { readScenarios } from './scenarios.ts';
import { tableOfTried, tryOut } from './try.ts';

const EXAMPLES = join(import.meta.dirname, '../examples');
const scratch = mkdtempSync(join(tmpdir(), 'metricops-given-'));
after(() => rmSync(scratch, { recursive: true }));

let folders = 0;
/** A folder of these files. */
const folderOf = (files: Record<string, string | object>): string => {
  folders += 1;
  const folder = join(scratch, String(folders));
  for (const [name, content] of Object.entries(files)) {
    mkdirSync(dirname(join(folder, name)), { recursive: true });
    writeFileSync(join(folder, name), typeof content === 'string' ? content : JSON.stringify(content));
  }
  return folder;
};

const SCENARIO = {
  services: [{ name: 'web', requestsPerSecond: 50 }],
  releases: [{ service: 'web', at: '0s' }],
  fault: [{ service: 'web', releases: [2], ratio: 0.3 }],
  truth: { guilty: { service: 'web', releases: [2] } },
};
const RECORDING = {
  'series.csv': 'time,service,pod,release,requests,errors\n2026-03-02T12:00:00Z,web,a,v1,100,0\n',
  'releases.json': { releases: [{ service: 'web', release: 'v1', at: '2026-03-01T12:00:00Z' }] },
  'graph.json': { services: [{ name: 'web' }] },
  'truth.json': { guilty: null },
};
const recordingWith = (changes: Record<string, string | object>): string =>
  folderOf(
    Object.fromEntries(Object.entries({ ...RECORDING, ...changes }).map(([name, content]) => [`one/${name}`, content])),
  );

const errorsOf = ({ world, counters }: Given, of: (pod: string) => boolean): number => {
  const all = counters(createRandom(1));
  const pods = new Set(all.map(({ labels }) => labels.pod ?? '').filter(of));
  return ratioOf(countsIn(all, pods, { from: world.begin, to: world.end }));
};

describe('incidents that somebody gave', () => {
  it('of the examples are decided, and said to be right or wrong by what their author knows', async () => {
    const given = [...readScenarios(join(EXAMPLES, 'scenarios')), ...readRecordings(join(EXAMPLES, 'recorded'))];
    assert.ok(given.length >= 6);
    for (const one of given) {
      const tried = await tryOut(one, 1);
      assert.equal(tried.right, tried.decision.startsWith(tried.expected), `${tried.name}: ${tried.decision}`);
    }
  }).timeout(60_000);

  it('are decided the same for the same seed', async () => {
    const [one] = readScenarios(join(EXAMPLES, 'scenarios'));
    assert.ok(one);
    assert.deepEqual(await tryOut(one, 3), await tryOut(one, 3));
  }).timeout(20_000);

  it('fail where the scenario says: in pods of the release, and nowhere else', () => {
    const [one] = readScenarios(folderOf({ 'x.json': SCENARIO }));
    assert.ok(one);
    assert.ok(Math.abs(errorsOf(one, (pod) => pod.includes('-r2-')) - 0.3) < 0.02);
    assert.equal(
      errorsOf(one, (pod) => pod.includes('-first-')),
      0,
    );
  });

  it('a scenario whose truth is another release is decided wrongly', async () => {
    const releases = [...SCENARIO.releases, { service: 'other', at: '-1h' }];
    const services = [...SCENARIO.services, { name: 'other', requestsPerSecond: 50 }];
    const truth = { guilty: { service: 'other', releases: [2] } };
    const [one] = readScenarios(folderOf({ 'x.json': { ...SCENARIO, services, releases, truth } }));
    assert.ok(one);
    const tried = await tryOut(one, 1);
    assert.deepEqual([tried.right, tried.expected], [false, 'rollback of other 2']);
    assert.match(tableOfTried([tried]), /^WRONG {2}x .*\n[\s\S]*0 of 1 right\n$/);
  }).timeout(20_000);

  for (const [what, change, problem] of [
    ['no JSON', '{', /x\.json: no JSON: /],
    ['a service without requests', { services: [{ name: 'web' }] }, /x\.json: services\[0\]\.requestsPerSecond: /],
    ['a key that nobody knows', { fualt: [] }, /x\.json: .*fualt/],
    ['no time', { releases: [{ service: 'web', at: 'noon' }] }, /x\.json: releases\[0\]\.at: a time before/],
    [
      'a service that is not there',
      { releases: [{ service: 'api', at: '0s' }] },
      /x\.json: releases\[0\]: .* no service api/,
    ],
    ['a release that is not there', { truth: { guilty: { service: 'web', releases: [3] } } }, /web has no release 3/],
    ['a node that is not there', { fault: [{ nodes: [9], ratio: 1 }] }, /fault\[0\]\.nodes: .* no node 9/],
  ] as const)
    it(`a scenario with ${what} is refused with its file and place`, () => {
      const content = typeof change === 'string' ? change : { ...SCENARIO, ...change };
      assert.throws(() => readScenarios(folderOf({ 'x.json': content })), problem);
    });

  it('a folder that is not there, or has nothing to read, is refused', () => {
    assert.throws(() => readScenarios(join(scratch, 'none')), /none: is not there/);
    assert.throws(() => readScenarios(folderOf({ 'readme.md': '' })), /no \.json file/);
    assert.throws(() => readRecordings(folderOf({ 'readme.md': '' })), /no folder/);
  });

  it('counts of a recording are taken as they were scraped; empty cells are scrapes that failed', () => {
    const lines = ['12:00:00Z,web,a,v1,100,0,0.1', '12:00:30Z,web,a,v1,,,', '12:01:00Z,web,a,v1,90,9,'];
    const [one] = readRecordings(
      recordingWith({
        'series.csv': ['time,service,pod,release,requests,errors,p99', ...lines.map((l) => `2026-03-02T${l}`)].join(
          '\n',
        ),
      }),
    );
    assert.ok(one);
    const errors = one.counters(createRandom(1)).find(({ labels }) => labels.code === '500');
    assert.deepEqual([...(errors?.times ?? [])].length, 3); // one of before, and two that succeeded
    assert.deepEqual([...(errors?.risen ?? [])], [0, 0, 9]);
  });

  const series = (...lines: string[]) => ({
    'series.csv': ['time,service,pod,release,requests,errors', ...lines].join('\n'),
  });
  for (const [what, changes, problem] of [
    ['no column', { 'series.csv': 'time,service,requests\n' }, /series\.csv:1: no column errors/],
    [
      'a column that nobody knows',
      { 'series.csv': 'time,service,requests,errors,cpu\n' },
      /series\.csv:1: "cpu" is no column/,
    ],
    ['a cell too few', series('2026-03-02T12:00:00Z,web,a,v1,1'), /series\.csv:2: 5 cells/],
    ['a count that is none', series('2026-03-02T12:00:00Z,web,a,v1,many,0'), /series\.csv:2: requests is "many"/],
    ['no time', series('yesterday,web,a,v1,1,0'), /series\.csv:2: time: /],
    ['more errors than requests', series('2026-03-02T12:00:00Z,web,a,v1,1,2'), /series\.csv:2: 2 errors of 1 requests/],
    [
      'a service that is not there',
      series('2026-03-02T12:00:00Z,api,a,v1,1,0'),
      /series\.csv:2: api is not in graph\.json/,
    ],
    [
      'a release that is not there',
      series('2026-03-02T12:00:00Z,web,a,v2,1,0'),
      /series\.csv:2: release v2 of web is not in/,
    ],
    ['no lines', series(), /series\.csv: nothing was recorded/],
    ['no file', { 'truth.json': '' }, /truth\.json: no JSON/],
    [
      'a guilty release that is not there',
      { 'truth.json': { guilty: { service: 'web', releases: ['v9'] } } },
      /truth\.json: guilty/,
    ],
  ] as const)
    it(`a recording with ${what} is refused with its file and line`, () => {
      assert.throws(() => readRecordings(recordingWith(changes)), problem);
    });

  it('end `npm run simulate` with 1 where one is decided wrongly, and with 2 where one can not be read', () => {
    const run = (...args: string[]) =>
      spawnSync(process.execPath, [join(import.meta.dirname, '../main.ts'), ...args], { encoding: 'utf8' });
    const truth = { guilty: null };
    const wrong = run('--scenarios', folderOf({ 'x.json': { ...SCENARIO, truth } }), '--json');
    const report = JSON.parse(wrong.stdout) as { n: number; wrong: number; incidents: { name: string }[] };
    assert.deepEqual([wrong.status, report.n, report.wrong, report.incidents[0]?.name], [1, 1, 1, 'x']);
    const unreadable = run('--recorded', recordingWith({ 'graph.json': {} }));
    assert.equal(unreadable.status, 2);
    assert.match(unreadable.stderr, /one\/graph\.json: services: /);
  }).timeout(60_000);
});
