import assert from 'node:assert/strict';
import fc from 'fast-check';
import { createLineFilter } from '../../sidecar/exposition.ts';
import { parseDuration, parsePrometheusDuration } from '../../src/api/common.ts';
import type { KubeObject } from '../../src/api/meta.ts';
import { jsonIn, refusalIn } from '../../src/cloud/answers.ts';
import { parseDelivery } from '../../src/incident/alertmanager-webhook.ts';
import { frozenAt, problemOf } from '../../src/policy/freeze.ts';
import { keyIdOf, TokenError } from '../../src/release/token.ts';
import { normalUrl, otherEventOf, payloadOf, repositoriesOf, trustOf } from '../../src/server/push.ts';
import { PrometheusError } from '../../src/slo/answer.ts';
import { ExpressionError } from '../../src/slo/promql.ts';
import { alertingRulesOf, samplesOf, seriesOf } from '../../src/slo/responses.ts';
import { createSelectors } from '../../src/slo/selectors.ts';
import { namesContent } from '../../src/snapshot/pin.ts';
import { managersOf, migrated, withoutHandEdits } from '../../src/ssa/managed-fields.ts';
import { templateWriters } from '../../src/ssa/template-writers.ts';
import { withoutSecretTexts } from '../../src/telemetry/redact.ts';
import { bytesLike, textLike, valueLike } from './pieces.ts';
import { orRefused, type Property, property } from './run.ts';

const NOW = Date.parse('2026-01-01T12:00:00Z');

const DELIVERY = {
  version: '4',
  status: 'firing',
  truncatedAlerts: 1,
  alerts: [
    {
      status: 'firing',
      labels: { alertname: 'BudgetBurn', namespace: 'shop', deployment: 'web' },
      annotations: { summary: 'a' },
      startsAt: '2026-01-01T11:00:00Z',
      endsAt: '0001-01-01T00:00:00Z',
      generatorURL: 'https://prometheus.example.com/graph',
      fingerprint: 'abc',
    },
  ],
};
const PUSH = {
  repository: { clone_url: 'https://git.example.com/team/shop.git', links: { html: { href: 'https://b.org/t/s' } } },
  project: { git_http_url: 'https://gitlab.example.com/team/shop.git' },
};
const VECTOR = {
  status: 'success',
  data: { resultType: 'vector', result: [{ metric: { a: 'b' }, value: [1.5, '2'] }] },
};
const MATRIX = {
  status: 'success',
  data: {
    resultType: 'matrix',
    result: [
      {
        metric: { a: 'b' },
        values: [
          [1, '2'],
          [2, 'NaN'],
        ],
      },
    ],
  },
};
const RULES = {
  status: 'success',
  data: {
    groups: [
      {
        name: 'g',
        file: 'a',
        rules: [{ type: 'alerting', name: 'A', query: 'up == 0', duration: 60, labels: { a: 'b' }, alerts: [] }],
      },
    ],
  },
};
const FIELDS = {
  'f:spec': { 'f:template': { 'f:spec': { 'f:containers': { 'k:{"name":"web"}': { '.': {}, 'f:image': {} } } } } },
  'f:metadata': { 'f:labels': { 'f:a': {}, 'v:"x"': {} } },
};
/** A workload of which somebody owns these fields. */
const ownedBy = (fieldsV1: unknown): KubeObject => {
  const entry = { apiVersion: 'apps/v1', time: '2026-01-01T00:00:00Z', fieldsType: 'FieldsV1', fieldsV1 };
  const managedFields = [
    { ...entry, manager: 'metricops/shop/app', operation: 'Apply' },
    { ...entry, manager: 'kubectl-edit', operation: 'Update' },
  ];
  return {
    apiVersion: 'apps/v1',
    kind: 'Deployment',
    metadata: { name: 'web', namespace: 'shop', managedFields } as KubeObject['metadata'],
    spec: { template: { spec: { containers: [{ name: 'web', image: 'web:1' }] } } },
  };
};

/** The metrics of an application, as they are passed on in chunks that end at the cuts. */
const passedOn = (text: string, cuts: readonly number[]): string => {
  const bytes = Buffer.from(text);
  const filter = createLineFilter(1 << 20);
  const ends = [...cuts.map((cut) => cut % (bytes.length + 1)).toSorted((a, b) => a - b), bytes.length];
  const out = ends.map((end, i) => filter.push(bytes.subarray(ends[i - 1] ?? 0, end)));
  return Buffer.concat([...out, filter.end()]).toString('latin1');
};

const quiet = (work: () => unknown): void => void work();
const token = (header: object, payload: object): string =>
  [header, payload, {}].map((part) => Buffer.from(JSON.stringify(part)).toString('base64url')).join('.');

export const outsideProperties: readonly Property[] = [
  property('a delivery of Alertmanager', valueLike(DELIVERY), async (body) => {
    const parsed = await parseDelivery(body, NOW);
    if (typeof parsed !== 'string') assert.ok(parsed.alerts.length <= 100_000);
  }),
  property(
    'the hook of a forge',
    fc.tuple(
      valueLike(PUSH),
      fc.dictionary(
        fc.constantFrom('x-hub-signature-256', 'x-gitlab-token', 'authorization', 'content-type', 'x-github-event'),
        textLike('sha256=abc', 'Bearer secret', 'application/x-www-form-urlencoded', 'push'),
      ),
      bytesLike(Buffer.from('payload=%7B%7D'), Buffer.from('{}')),
    ),
    ([body, headers, bytes]) => {
      for (const url of repositoriesOf(body)) assert.match(url, /^[^A-Z]+\/[^A-Z]+$/);
      // Nobody is believed who does not know the secret.
      assert.notEqual(trustOf(headers, 'a secret that no generator makes'), 'proved');
      normalUrl(bytes.toString());
      otherEventOf(headers);
      payloadOf(headers, bytes);
    },
  ),
  property('answers of Prometheus', valueLike(VECTOR, MATRIX, RULES), async (body) => {
    for (const read of [samplesOf, seriesOf, (each: unknown) => alertingRulesOf(each, 'A')])
      await orRefused((error) => error instanceof PrometheusError, read)(body);
  }),
  property(
    'expressions of PromQL',
    textLike(
      'sum(rate(http_requests_total{code=~"5.."}[5m])) by (pod)',
      'up{a="b"} offset 5m',
      '{__name__="x"}[5m:1m] # c',
    ),
    orRefused(
      (error) => error instanceof ExpressionError,
      (text) => {
        const selectors = createSelectors();
        const restricted = selectors.restrict(text, 'pod', 'a-.+');
        assert.ok(restricted.length >= text.length);
        selectors.split(text, 'pod');
      },
    ),
  ),
  property('durations', textLike('1h30m', '5s', '1.5h', '2w', '90m'), async (text) => {
    for (const parse of [parseDuration, parsePrometheusDuration])
      await orRefused(
        (error) => error instanceof RangeError,
        (each: string) => assert.ok(Number.isFinite(parse(each))),
      )(text);
  }),
  property(
    'a change freeze',
    fc.tuple(
      textLike('0 18 * * FRI', '*/5 1-3 1,15 JAN-MAR 1#2', '@daily'),
      textLike('64h', '30m'),
      textLike('Europe/Berlin', 'UTC'),
    ),
    ([schedule, duration, timeZone]) => {
      const freezes = [{ schedule, duration, timeZone }];
      const found = frozenAt(freezes, NOW);
      // One that nobody can read forbids rather than allows.
      if (problemOf(freezes) !== undefined) assert.ok(found);
    },
  ),
  property('managedFields', valueLike(FIELDS), (fields) => {
    const object = ownedBy(fields);
    managersOf(object, '/spec/template/spec/containers/0/image');
    migrated(object, { from: () => true, to: { manager: 'm', apiVersion: 'apps/v1' } });
    withoutHandEdits(object, { manager: 'm', apiVersion: 'apps/v1' });
    templateWriters(object);
  }),
  property(
    'the token of a ServiceAccount',
    textLike(token({ alg: 'RS256', kid: 'a' }, { iss: 'x' })),
    orRefused((error) => error instanceof TokenError, keyIdOf),
  ),
  property(
    'answers of clouds',
    fc.tuple(textLike('<Code>AccessDenied</Code>', '{"error":"invalid_grant"}'), fc.nat(600)),
    ([text, status]) => {
      assert.ok(refusalIn({ status, text }).length < 100, 'no word of the answer');
      const said = jsonIn({ ok: true, status, text }, 'sts.example.com');
      if (!said.ok) assert.ok(said.why.length < 200);
    },
  ),
  property('names of images', textLike('registry.example.com:5000/a/b:v1@sha256:0123', 'nginx'), (text) =>
    quiet(() => namesContent(text)),
  ),
  property(
    'lines of a log',
    textLike('password=hunter2 -----BEGIN PRIVATE KEY-----\nabc\n-----END PRIVATE KEY-----'),
    (text) => quiet(() => withoutSecretTexts(text)),
  ),
  property(
    'metrics of an application',
    fc.tuple(
      textLike('# TYPE a counter\na_total{b="c"} 1 # {t="x"} 1\n# EOF\n', 'metricops_recorder_release 1\n'),
      fc.array(fc.nat(80), { maxLength: 4 }),
    ),
    ([text, cuts]) => assert.equal(passedOn(text, cuts), passedOn(text, []), 'however it is cut'),
  ),
];
