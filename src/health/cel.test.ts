import assert from 'node:assert/strict';
import { describe, it } from 'mocha';
import type { HealthCheck } from '../api/gitsync.ts';
import type { KubeObject } from '../api/meta.ts';
import { compileHealthChecks } from './cel.ts';
import { cpuTime } from './cel-deadline.ts';

type Expressions = Omit<HealthCheck, 'apiVersion' | 'kind'>;

const check = (expressions: Expressions): HealthCheck => ({
  apiVersion: 'example.com/v1',
  kind: 'Widget',
  ...expressions,
});
const widget = (rest: object = {}): KubeObject => ({
  apiVersion: 'example.com/v1',
  kind: 'Widget',
  metadata: { name: 'w', namespace: 'shop', generation: 2, labels: { 'example.com/tier': 'gold' } },
  ...rest,
});
const judge = (expressions: Expressions, object: KubeObject) => {
  const checks = compileHealthChecks([check(expressions)]);
  assert.equal(checks.problem, undefined);
  return checks.healthOf(object);
};

const STATUS = {
  phase: 'Ready',
  ready: 2,
  share: 0.5,
  conditions: [{ type: 'Synced', status: 'True' }],
  constructor: 'Acme',
};

describe('compileHealthChecks', () => {
  describe('judges an object', () => {
    for (const current of [
      'status.phase == "Ready"',
      'status.phase in ["Ready", "Idle"]',
      'status.ready + 1 == 3 && status.ready >= 2 && status.share > 0.4',
      'status.ready == spec.replicas',
      'status.conditions.exists(c, c.type == "Synced" && c.status == "True")',
      'status.conditions.filter(c, c.type == "Synced").all(c, c.status == "True")',
      'has(status.phase) && !has(status.error)',
      'status.?error.orValue("none") == "none"',
      'metadata.labels["example.com/tier"] == "gold" && metadata.name == "w"',
      'status.constructor == "Acme"',
      'status.phase.matches("^Re.+y$")',
      'apiVersion == "example.com/v1" && kind == "Widget"',
      'size(data) == 0',
    ])
      it(`as Current by ${current}`, () =>
        assert.deepEqual(judge({ current }, widget({ spec: { replicas: 2 }, status: STATUS })), {
          health: 'Current',
          message: '',
        }));

    for (const [phase, health] of [
      ['Working', 'InProgress'],
      ['Broken', 'Failed'],
      ['Ready', 'Current'],
      ['Other', 'InProgress'],
    ] as const)
      it(`as ${health} in phase ${phase}, asking in the order of Flux`, () => {
        const expressions = {
          inProgress: 'status.phase == "Working"',
          failed: 'status.phase in ["Working", "Broken"]',
          current: 'status.phase in ["Working", "Broken", "Ready"]',
        };
        const judged = judge(expressions, widget({ status: { phase } }));
        assert.equal(judged.health, health, judged.message);
      });

    it('of another version of the group and kind, as the cluster serves the version it prefers', () =>
      assert.equal(judge({ current: 'false' }, widget({ apiVersion: 'example.com/v2' })).health, 'InProgress'));

    it('of another kind or group by the built-in rules', () => {
      assert.equal(judge({ current: 'false' }, widget({ kind: 'Gadget' })).health, 'Current');
      assert.equal(judge({ current: 'false' }, widget({ apiVersion: 'example.org/v1' })).health, 'Current');
    });

    it('as InProgress before its controller has seen the newest spec', () =>
      assert.match(judge({ current: 'true' }, widget({ status: { observedGeneration: 1 } })).message, /newest spec/));

    it('as InProgress while it is being deleted', () => {
      const metadata = { name: 'w', deletionTimestamp: '2026-01-01T12:00:00Z' };
      assert.match(judge({ current: 'true' }, widget({ metadata })).message, /deleted/);
    });
  });

  describe('is in progress and says why', () => {
    for (const [current, message] of [
      ['status.phase == "Ready"', /current cannot be answered yet: No such key: phase/],
      ['status.a.b.c == 1', /No such key: a/],
      ['spec.list[3] == 1', /index out of bounds/],
      ['spec.list[0] + "x" == "1x"', /no such overload/],
      ['spec.text', /current gives a string, not true or false/],
      ['spec.list[0]', /gives an int/],
      ['spec.list', /gives a list/],
      ['spec', /gives a map/],
      ['spec.nothing', /gives null/],
    ] as const)
      it(`for ${current}`, () => {
        const judged = judge({ current }, widget({ spec: { text: 'x', list: [1], nothing: null }, status: null }));
        assert.equal(judged.health, 'InProgress');
        assert.match(judged.message, message);
        assert.ok(!judged.message.includes('\n'));
      });
  });

  describe('names the problem', () => {
    for (const [what, expressions, problem] of [
      ['of syntax', { current: 'status.phase ==' }, /^healthCheckExprs of Widget, current: Unexpected token: EOF$/],
      ['of an unknown variable', { current: 'true', failed: 'foo.bar' }, /, failed: Unknown variable: foo$/],
      ['of types', { current: '"a" + 1 == 2' }, /no such overload: string \+ int/],
      ['of a text instead of true or false', { current: '"yes"' }, /gives string, not true or false/],
      ['of an unknown function', { current: 'now() > 1' }, /function now is not available/],
      ['of depth', { current: `${'('.repeat(500)}true${')'.repeat(500)}` }, /maxDepth/],
      ['of size', { current: `${'!'.repeat(2000)}true` }, /maxAstNodes/],
      ['of a pattern that is not written out', { current: 'spec.a.matches(spec.b)' }, /written out/],
      ['of a pattern that is too long', { current: `spec.a.matches("${'a'.repeat(257)}")` }, /256/],
    ] as const)
      it(what, () => assert.match(compileHealthChecks([check(expressions)]).problem ?? '', problem));

    it('of the first wrong entry only, and judges its kind by the built-in rules', () => {
      const checks = compileHealthChecks([
        { ...check({ current: 'false' }), kind: 'Gadget' },
        check({ current: '(' }),
        { ...check({ current: ')' }), kind: 'Gizmo' },
      ]);
      assert.match(checks.problem ?? '', /Widget/);
      assert.equal(
        checks.healthOf(widget({ status: { conditions: [{ type: 'Ready', status: 'True' }] } })).health,
        'Current',
      );
      assert.equal(checks.healthOf(widget({ kind: 'Gadget' })).health, 'InProgress');
    });
  });

  describe('cannot be made to hang', () => {
    const long = 'a'.repeat(1_000_000);
    const status = {
      list: Array.from({ length: 50_000 }, (_, i) => i),
      texts: Array.from({ length: 1000 }, () => long.slice(0, 4096)),
      long,
      digits: '1'.repeat(100_000),
      needle: `b${long.slice(0, 500_000)}`,
    };
    const doubled = '.map(a, a + a)';
    for (const [what, current] of [
      ['nested loops', 'status.list.all(a, status.list.all(b, status.list.all(c, c >= 0)))'],
      ['nested loops whose error is swallowed', 'status.list.all(a, status.list.all(b, b >= 0)) || true'],
      ['lists of lists', 'status.list.map(a, status.list.map(b, [a, b])) == []'],
      ['a list that doubles', `[status.list]${doubled.repeat(3)}[0].size() < 0`],
      ['a list that doubles again and again', `[status.list]${doubled.repeat(100)}[0].size() < 0`],
      ['a text that doubles again and again', `["aaaaaaaa"]${doubled.repeat(100)}[0].size() < 0`],
      ['a type that doubles again and again', `[{1: 1}]${'.map(a, {a: a})'.repeat(100)}.size() < 0`],
      ['a bound value that doubles', 'cel.bind(a, status.long, a.size() < 0)'],
      ['backtracking', 'status.long.matches("^(a+)+$b")'],
      ['backtracking over alternatives', 'status.long.matches("^(a|aa|a?)+b")'],
      ['a big pattern', `status.long.matches("${'a{1000}'.repeat(30)}b")`],
      ['a search of the slow kind', 'status.long.contains(status.needle)'],
      ['a search in a longer text', '(status.long + status.long).lastIndexOf(status.needle) > 0'],
      ['many copies', 'status.list.map(a, status.texts.map(b, b.upperAscii())).size() < 0'],
      ['many pieces', 'status.list.map(a, status.texts.map(b, b.split(""))).size() < 0'],
      ['a duration of many digits', 'duration(status.digits) == duration("1s")'],
      ['many joined texts', 'status.list.map(a, status.texts).map(b, b.join("")).size() < 0'],
    ] as const)
      it(`by ${what}`, () => {
        const started = cpuTime();
        const checks = compileHealthChecks([check({ current })]);
        const { health } = checks.healthOf(widget({ status }));
        assert.ok(checks.problem !== undefined || health !== 'Current');
        assert.ok(cpuTime() - started < 1000);
      });

    it('and says that it ran out of time, as a failure that nobody needs to wait for', () => {
      const { health, message } = judge({ current: 'status.long.matches("^(a+)+$b")' }, widget({ status }));
      assert.equal(health, 'Failed');
      // On a busy machine the time may be over before the expression is begun.
      assert.match(message, /^(current|its check) takes longer than 50 ms of CPU time$/);
    });

    it('by one object among many: it alone has failed', () => {
      const texts = ['a', 'b', `${long.slice(0, 64)}b`, 'd'];
      const objects = texts.map((text) => widget({ status: { long: text } }));
      const checks = compileHealthChecks([check({ current: 'status.long.matches("^(a+)+$")' })]);
      const judged = checks.healthOfAll(objects, () => true);
      assert.deepEqual(
        judged.map(({ health }) => health),
        ['Current', 'InProgress', 'Failed', 'InProgress'],
      );
    });

    it('by an object that is nested too deeply', () => {
      const spec = Array.from({ length: 3000 }).reduce<object>((inner) => ({ inner }), {});
      assert.match(judge({ current: '[spec] == [spec]' }, widget({ spec })).message, /too deeply/);
    });
  });
});
