import assert from 'node:assert/strict';
import { describe, it } from 'mocha';
import type { Incident, Verdict } from '../api/incident.ts';
import { guardrails, type Objective } from '../api/rollback-policy.ts';
import { type AlertingRule, PrometheusError, type Queries } from '../slo/index.ts';
import { createJudge } from './judge.ts';
import type { Question } from './question.ts';

const NOW = Date.parse('2026-01-01T12:00:00Z');
const ago = (seconds: number): string => new Date(NOW - seconds * 1000).toISOString();
const release = (number: number) => ({
  number,
  sourceDigest: `v1:${String(number).repeat(64)}`,
  workloadUID: 'u',
  images: [],
  revision: `r${number}`,
  firstSeenTime: ago(600 / number),
  readyTime: ago(600 / number),
  outcome: 'Active' as const,
});
const evidence = {
  source: 'Alertmanager' as const,
  fingerprint: 'f',
  alert: 'Burn',
  status: 'firing' as const,
  labels: { alertname: 'Burn', namespace: 'shop', severity: 'page' },
  receivedTime: ago(10),
};
/** A bare name stands for a metric over $window. */
const objective = (errors: string, total: string, podLabel = 'pod', name = 'availability'): Objective => ({
  name,
  target: '99',
  window: '30d',
  indicator: { ratio: { errors: over(errors), total: over(total), podLabel } },
});
const over = (expression: string): string => (/^\w+$/.test(expression) ? `${expression}[$window]` : expression);
const question = (rest: Partial<Question> = {}): Question => ({
  incident: {
    metadata: { name: 'i', namespace: 'shop' },
    spec: { workloadRef: { kind: 'Deployment', name: 'web' }, evidence: [evidence] },
  } as unknown as Incident,
  suspect: release(2),
  before: release(1),
  objectives: [],
  guardrails: guardrails.parse({}),
  neighbours: [],
  around: [],
  podOf: () => undefined,
  isTrustedRule: (file) => file === 'own',
  now: NOW,
  ...rest,
});
/** Prometheus with some rules; each expression has the value that the test says, at each time. */
const prometheus = (value: (query: string, at: number) => number | undefined, rules: AlertingRule[] = []) => {
  const asked: string[] = [];
  /** As the objective has it: without the sum around it, and a bare name again. */
  const plain = (expression: string): string =>
    (/^sum\((.*)\n\)$/s.exec(expression)?.[1] ?? expression).replace(/^(\w+)\[\w+\]$/, '$1');
  const queries: Queries = {
    async query(expression, at = NOW) {
      asked.push(plain(expression));
      const found = value(plain(expression), at);
      return found === undefined ? [] : [{ labels: {}, value: found }];
    },
    async queryRange(expression, { start, end, step }) {
      asked.push(plain(expression));
      const points = [];
      for (let at = start; at <= end; at += step) {
        const found = value(plain(expression), at);
        if (found !== undefined) points.push({ at, value: found });
      }
      return [{ labels: {}, points }];
    },
    alertingRules: async (name) => rules.filter((r) => r.name === name),
  };
  return { judge: createJudge(() => queries), asked };
};
const rule = (file: string, rest: Partial<AlertingRule> = {}): AlertingRule => ({
  name: 'Burn',
  expression: `from_${file}`,
  labels: { severity: 'page' },
  file,
  ...rest,
});
const firing = (_query: string, at: number): number | undefined => (at === NOW ? 1 : undefined);
/** Since release 2 is current. */
const isNew = (at: number): boolean => at > NOW - 300_000;

describe('what Prometheus is asked', () => {
  it('is of the pods of one release only, in every selector', async () => {
    const { judge, asked } = prometheus(() => 10);
    await judge.judge(
      question({ objectives: [objective('sum(rate(e { a="b" } [ $window ]))', 'sum(rate(t[$window]))')] }),
    );
    assert.deepEqual(
      asked.filter((q) => q.includes('r2')),
      ['sum(rate(t{pod=~"web-r2-.+"}[5s]))', 'sum(rate(e {pod=~"web-r2-.+", a="b" } [ 5s ]))'],
    );
  });

  it('is Inconclusive where an expression can not be restricted to some pods: the message says which, and why', async () => {
    const { judge, asked } = prometheus(() => 10);
    const bad = objective('rate("utf8.metric"[$window])', 'sum(rate(t[$window]))');
    const { verdict } = await judge.judge(question({ objectives: [bad] }));
    assert.deepEqual([verdict.result, verdict.reason], ['Inconclusive', 'ExpressionRefused']);
    assert.match(verdict.message, /indicator.ratio.errors of objective availability .* write \{"utf8.metric"\}/);
    assert.deepEqual(
      asked.filter((q) => q.includes('utf8')),
      [],
    );
  });

  it('is Inconclusive where an expression has a range of its own, also after a rollback', async () => {
    const { judge, asked } = prometheus(() => 10);
    const objectives = [objective('sum(rate(e[5m]))', 't', '')];
    const { verdict } = await judge.judge(question({ objectives }));
    assert.deepEqual([verdict.result, verdict.reason], ['Inconclusive', 'ExpressionRefused']);
    assert.match(verdict.message, /indicator.ratio.errors of objective availability has no \$window/);
    assert.equal(await judge.isBurning(question({ objectives })), undefined);
    assert.deepEqual(asked, []);
  });

  it('is nothing of an objective of which one expression is refused', async () => {
    const { judge, asked } = prometheus(() => {
      throw new PrometheusError('PrometheusUnreachable', 'away');
    });
    const { verdict } = await judge.judge(
      question({ objectives: [objective('sum(rate(e[$window]))', 'rate(t[$window]')] }),
    );
    assert.equal(verdict.reason, 'ExpressionRefused');
    assert.deepEqual(
      asked.filter((q) => q.includes('r2')),
      [],
    );
  });

  it('is as it stands where the metric has no pods', async () => {
    const { judge, asked } = prometheus(() => 10);
    await judge.judge(question({ objectives: [objective('a [$window]', 'b[$window]', '')] }));
    assert.ok(asked.includes('a [5s]'));
  });

  it('makes a verdict that the schema takes, however long it is', async () => {
    const { judge } = prometheus(() => 10);
    const long = (name: string): string => `sum(rate(${name}{a="${'x'.repeat(8000)}"}[$window]))`;
    const { verdict } = await judge.judge(question({ objectives: [objective(long('e'), long('t'), '')] }));
    assert.equal(verdict.objectives?.[0]?.query?.length, 8192);
  });

  it('is no evidence when a part of the data is missing', async () => {
    const { judge } = prometheus(() => {
      throw new PrometheusError('PartialData', 'a store is away');
    });
    const { verdict } = await judge.judge(question({ objectives: [objective('e', 't', '')] }));
    assert.deepEqual(
      [verdict.result, verdict.reason, verdict.message],
      ['Inconclusive', 'PartialData', 'a store is away'],
    );
    assert.equal(await judge.isBurning(question({ objectives: [objective('e', 't', '')] })), undefined);
  });
});

describe('the rule of an alert', () => {
  it('speaks for itself when it is of the namespace of the workload', async () => {
    const { judge } = prometheus(firing, [rule('own')]);
    const { verdict, caution } = await judge.judge(question());
    assert.deepEqual([verdict.result, caution], ['Guilty', undefined]);
  });

  it('needs a person when it is of anybody else, whatever its labels say', async () => {
    const { judge } = prometheus(firing, [rule('foreign', { labels: { namespace: 'shop', severity: 'page' } })]);
    const { verdict, caution } = await judge.judge(question());
    assert.equal(verdict.result, 'Guilty');
    assert.match(caution ?? '', /rule, of foreign, is not one of namespace shop/);
  });

  it('is not hidden by another of the same name and labels', async () => {
    const { judge, asked } = prometheus(firing, [rule('foreign'), rule('own')]);
    assert.equal((await judge.judge(question())).caution, undefined);
    assert.deepEqual([...new Set(asked)], ['from_own']);
  });
});

describe('a release that changes configuration only', () => {
  it('is Guilty by before and after, of all pods: none of them says which release it runs', async () => {
    const { judge } = prometheus((query, at) => (query.startsWith('t') ? 100 : isNew(at) ? 20 : 0));
    const before = { ...release(1), revision: 'r2' };
    const { verdict } = await judge.judge(question({ before, objectives: [objective('e', 't')] }));
    assert.deepEqual(
      verdict.objectives?.[0]?.evidence?.map(({ name, points }) => `${name} ${points}`),
      ['BeforeAfter 2', 'Onset 3'],
    );
    assert.equal(verdict.result, 'Guilty');
  });
});

describe('the objectives of a policy', () => {
  const labelled = (name: string, severity: string): Objective => ({ name, alerts: { matchLabels: { severity } } });
  const objectiveRef = { apiVersion: 'sloth.slok.dev/v1', kind: 'PrometheusServiceLevel', name: 'web' };
  const results = (verdict: Verdict) =>
    verdict.objectives?.map(({ name, result, reason }) => `${name} ${result} ${reason}`);

  it('are each judged by itself: one that Prometheus refuses hides no other that is Guilty', async () => {
    const { judge } = prometheus((query, at) => {
      if (query.startsWith('bad')) throw new PrometheusError('ExpressionRefused', 'no such function');
      return query.startsWith('e2') && isNew(at) ? 20 : query.startsWith('t') ? 100 : 0;
    });
    const objectives = [
      objective('bad', 't1', '', 'first'),
      objective('e1', 't1', '', 'second'),
      objective('e2', 't2', '', 'third'),
    ];
    const { verdict } = await judge.judge(question({ objectives, before: undefined }));
    assert.equal(verdict.result, 'Guilty');
    assert.deepEqual(results(verdict), [
      'first Inconclusive ExpressionRefused',
      'second NotGuilty NotBurning',
      'third Guilty ErrorRateIncreased',
    ]);
    const [, , third] = verdict.objectives ?? [];
    assert.deepEqual([third?.newErrorRatio, third?.newRequests], ['0.2', '30000']);
  });

  it('are judged by their rule where they have alerts alone, if an alert of the incident is one of theirs', async () => {
    const { judge, asked } = prometheus(firing, [rule('own')]);
    const { verdict } = await judge.judge(
      question({ objectives: [labelled('page', 'page'), labelled('ticket', 'ticket')] }),
    );
    assert.deepEqual(results(verdict), ['page Guilty ErrorRateIncreased', 'ticket NotGuilty NotBurning']);
    assert.deepEqual([...new Set(asked)], ['from_own']);
  });

  it('are Inconclusive where another tool owns them, and say so', async () => {
    const { judge } = prometheus(() => 0);
    const objectives = [{ name: 'sloth', objectiveRef }];
    const { verdict } = await judge.judge(question({ objectives }));
    assert.deepEqual(results(verdict), ['sloth Inconclusive ObjectiveRefNotRead']);
    assert.equal(await judge.isBurning(question({ objectives })), undefined);
  });

  it('need a person only where every Guilty one rests on the rule of somebody else', async () => {
    const { judge } = prometheus(
      (query, at) => (query.startsWith('from_') ? firing(query, at) : query.startsWith('t') ? 100 : isNew(at) ? 20 : 0),
      [rule('foreign')],
    );
    const foreign = [labelled('page', 'page')];
    assert.match((await judge.judge(question({ objectives: foreign }))).caution ?? '', /rule, of foreign/);
    const both = [...foreign, objective('e', 't', '')];
    const { verdict, caution } = await judge.judge(question({ objectives: both, before: undefined }));
    assert.deepEqual([verdict.result, caution], ['Guilty', undefined]);
  });

  it('are asked after a rollback if they burned, and no others', async () => {
    const burns = (values: Record<string, number>) =>
      prometheus((query) => values[query] ?? (query.startsWith('t') ? 100 : 0));
    const objectives = [objective('e1', 't1', '', 'first'), objective('e2', 't2', '', 'second')];
    const { incident } = question();
    const finding = (name: string, result: 'Guilty' | 'NotGuilty') => ({ name, result, reason: 'r', message: 'm' });
    const verdict = (first: 'Guilty' | 'NotGuilty', second: 'Guilty' | 'NotGuilty') => ({
      ...{ result: 'Guilty' as const, reason: 'r', message: 'm', time: ago(1) },
      objectives: [finding('first', first), finding('second', second)],
    });
    const judged = (found: Verdict) => question({ objectives, incident: { ...incident, status: { verdict: found } } });
    const { judge, asked } = burns({ e1: 50 });
    assert.equal(await judge.isBurning(judged(verdict('NotGuilty', 'Guilty'))), false);
    assert.deepEqual(asked, ['e2', 't2']);
    assert.equal(await judge.isBurning(judged(verdict('Guilty', 'Guilty'))), true, 'one that goes on suffices');
    assert.equal(await judge.isBurning(question({ objectives })), true, 'without a verdict all are asked');
    const silent = burns({ t1: Number.NaN });
    assert.equal(await silent.judge.isBurning(judged(verdict('Guilty', 'Guilty'))), undefined, 'one can not be asked');
  });

  it('are all asked after a rollback that no objective was judged for', async () => {
    const { judge, asked } = prometheus(() => 0);
    const objectives = [objective('e1', 't1', '', 'first'), objective('e2', 't2', '', 'second')];
    const { incident } = question();
    const verdict = { result: 'Guilty' as const, reason: 'r', message: 'm', time: ago(1) };
    await judge.isBurning(question({ objectives, incident: { ...incident, status: { verdict } } }));
    assert.deepEqual(asked, ['e1', 't1', 'e2', 't2']);
  });

  it('are asked by their rule after a rollback, where they have alerts alone', async () => {
    const objectives = [labelled('page', 'page')];
    const burning = (value: typeof firing, rules: AlertingRule[]) =>
      prometheus(value, rules).judge.isBurning(question({ objectives }));
    assert.equal(await burning(firing, [rule('own')]), true);
    assert.equal(await burning(() => undefined, [rule('own')]), false);
    assert.equal(await burning(firing, []), undefined, 'nobody can say');
    const other = [labelled('ticket', 'ticket')];
    assert.equal(await prometheus(firing, [rule('own')]).judge.isBurning(question({ objectives: other })), false);
  });

  it('are still burning only with as many requests as a verdict needs', async () => {
    const { judge } = prometheus((query) => (query.startsWith('t') ? 100 : 50));
    const objectives = [objective('e', 't', '')];
    const asked = (minRequests: number) => question({ objectives, guardrails: guardrails.parse({ minRequests }) });
    assert.equal(await judge.isBurning(asked(6000)), true, '100 a second, for a minute');
    assert.equal(await judge.isBurning(asked(6001)), undefined);
  });

  it('are all asked after a rollback of an incident that has no verdict', async () => {
    const { judge, asked } = prometheus(() => 0);
    const { incident } = question();
    const objectives = [objective('e', 't', '')];
    await judge.isBurning(question({ objectives, incident: { ...incident, status: {} } }));
    assert.deepEqual(asked, ['e', 't']);
  });

  it('are not burning where they say neither what burns nor whose alerts they are', async () => {
    const { judge } = prometheus(firing, [rule('own')]);
    const objectives = [{ name: 'empty' }];
    const { verdict } = await judge.judge(question({ objectives }));
    assert.deepEqual(results(verdict), ['empty NotGuilty NotBurning']);
    assert.equal(await judge.isBurning(question({ objectives })), false);
  });

  it('need a person though another one is NotGuilty by itself', async () => {
    const { judge } = prometheus(
      (query, at = NOW) => (query.startsWith('from_') ? firing(query, at) : query.startsWith('e') ? 0 : 100),
      [rule('foreign')],
    );
    const objectives = [labelled('page', 'page'), objective('e', 't', '')];
    assert.match((await judge.judge(question({ objectives }))).caution ?? '', /rule, of foreign/);
  });
});

describe('a verdict without a look at Prometheus', () => {
  const time = new Date(NOW).toISOString();
  const { judge } = prometheus(() => 10);

  it('is Inconclusive where the release is not recorded any more', async () => {
    const message = 'the release under suspicion is not recorded any more';
    assert.deepEqual(await judge.judge(question({ suspect: undefined })), {
      verdict: { result: 'Inconclusive', reason: 'NoHistory', message, time },
    });
  });

  it('is Inconclusive where nobody configured a Prometheus, and whether it burns is unknown', async () => {
    const blind = createJudge(undefined);
    const message = 'no Prometheus is configured (METRICOPS_PROMETHEUS_URL)';
    assert.deepEqual(await blind.judge(question()), {
      verdict: { result: 'Inconclusive', reason: 'PrometheusUnreachable', message, time },
    });
    assert.equal(await blind.isBurning(question()), undefined);
  });
});

describe('a release that ran for long before the burn', () => {
  /** The default of maxReleaseAge. */
  const DAY = 86_400;
  /** An incident whose alerts began at these times; and the release under suspicion was ready at that one. */
  const aged = (began: { startsAt?: string; receivedTime: string }[], readyTime: string | undefined) => {
    const { incident } = question();
    const { readyTime: _, ...suspect } = release(2);
    return question({
      incident: {
        ...incident,
        spec: { ...incident.spec, evidence: began.map((one) => ({ ...evidence, lastReceivedTime: ago(0), ...one })) },
      },
      suspect: { ...suspect, firstSeenTime: ago(3 * DAY), ...(readyTime === undefined ? {} : { readyTime }) },
    });
  };

  for (const [what, began, ready, isTooOld] of [
    ['is too old by a second', [{ receivedTime: ago(0) }], ago(DAY + 1), true],
    ['ran for just as long as the policy says', [{ receivedTime: ago(0) }], ago(DAY), false],
    ['was never ready', [{ receivedTime: ago(0) }], undefined, true],
    [
      'was young when the first of its alerts began',
      [{ receivedTime: ago(0) }, { receivedTime: ago(60) }],
      ago(DAY + 60),
      false,
    ],
    [
      'was young when its alert began, which was delivered late',
      [{ startsAt: ago(60), receivedTime: ago(0) }],
      ago(DAY + 60),
      false,
    ],
  ] as const)
    it(`${what}: ${isTooOld ? 'NotGuilty by its age' : 'needs a person'}, by the alert where the course shows no onset`, async () => {
      const always = prometheus(() => 1, [rule('own')]);
      const { verdict } = await always.judge.judge(aged([...began], ready));
      assert.equal(verdict.reason === 'ReleaseTooOld', isTooOld);
      assert.equal(verdict.result, isTooOld ? 'NotGuilty' : 'Inconclusive');
    });
});

describe('a judge', () => {
  it('asks the Prometheus of the namespace of the incident', async () => {
    const namespaces: string[] = [];
    const queries: Queries = { query: async () => [], queryRange: async () => [], alertingRules: async () => [] };
    const judge = createJudge((namespace) => {
      namespaces.push(namespace);
      return queries;
    });
    await judge.judge(question());
    await judge.isBurning(question());
    assert.deepEqual(namespaces, ['shop', 'shop']);
  });

  it('names the one objective of alerts without a policy, and cautions only where a person has to agree', async () => {
    const judged = await prometheus(firing, [rule('own')]).judge.judge(question());
    assert.deepEqual(
      judged.verdict.objectives?.map(({ name }) => name),
      ['alerts'],
    );
    assert.deepEqual(Object.keys(judged), ['verdict']);
  });

  it('stores the neighbours that burn with what it measured, and nothing where there are none', async () => {
    const { judge } = prometheus(firing, [rule('own')]);
    const measured = async (rest: Partial<Question>) =>
      (await judge.judge(question(rest))).verdict.objectives?.[0]?.measured ?? {};
    const found = await measured({ neighbours: [{ name: 'cart', since: NOW - 5000 }] });
    assert.deepEqual('neighbours' in found && found.neighbours, [{ name: 'cart', alertTime: ago(5) }]);
    assert.ok(!('neighbours' in (await measured({}))));
  });

  it('asks the others whether they burn before it calls a release Guilty, and waits where they do', async () => {
    const others = [
      { name: 'cart', objectives: [objective('cart_e[$window]', 'cart_t[$window]', '')] },
    ] as Question['around'];
    const asked = async (cartBurns: boolean) => {
      const { judge } = prometheus((query, at) => {
        if (query.includes('cart')) return query.includes('/') || at !== NOW ? Number(cartBurns && at === NOW) : 10;
        return query.startsWith('t') ? 100 : isNew(at) ? 50 : 0;
      });
      const own = [objective('e[$window]', 't[$window]', '')];
      const { verdict } = await judge.judge(question({ objectives: own, around: others }));
      return { said: `${verdict.result} ${verdict.reason}`, measured: verdict.objectives?.[0]?.measured };
    };
    assert.equal((await asked(false)).said, 'Guilty ErrorRateIncreased');
    const { said, measured } = await asked(true);
    assert.equal(said, 'Inconclusive NeighboursBurn');
    assert.deepEqual(measured?.neighbours, [{ name: 'cart', errorRatio: '1' }]);
  });

  it('keeps the words of an error as far as the schema takes them', async () => {
    const { judge } = prometheus(() => {
      throw new PrometheusError('PartialData', 'x'.repeat(3000));
    });
    const { verdict } = await judge.judge(question({ objectives: [objective('e', 't', '')] }));
    assert.equal(verdict.objectives?.[0]?.message.length, 1024);
  });

  it('takes no mistake of the program for an answer of Prometheus', async () => {
    const { judge } = prometheus(() => {
      throw new TypeError('a mistake');
    });
    const asks = question({ objectives: [objective('e', 't', '')] });
    await assert.rejects(judge.judge(asks), TypeError);
    await assert.rejects(judge.isBurning(asks), TypeError);
  });
});
