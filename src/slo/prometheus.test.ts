import assert from 'node:assert/strict';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { Readable } from 'node:stream';
import { describe, it } from 'mocha';
import { PrometheusError } from './answer.ts';
import { createPrometheus, type Prometheus } from './prometheus.ts';

type Handler = (request: IncomingMessage, body: string, response: ServerResponse) => void;

/** A Prometheus that answers as the test says. */
const asking = async (
  handler: Handler,
  test: (prometheus: Prometheus) => Promise<void>,
  timeoutMs = 500,
): Promise<void> => {
  const server = createServer(async (request, response) => {
    let body = '';
    for await (const chunk of request) body += String(chunk);
    handler(request, body, response);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/prefix/`;
  const prometheus = createPrometheus({ url, timeoutMs, token: 'secret' });
  try {
    await test(prometheus);
  } finally {
    await prometheus.close();
    server.closeAllConnections();
    server.close();
  }
};
const endless = function* (): Generator<string> {
  for (;;) yield ' '.repeat(65_536);
};
const NONE = JSON.stringify({ status: 'success', data: { resultType: 'vector', result: [] } });
const refuses = (asked: Promise<unknown>, words: RegExp): Promise<void> =>
  assert.rejects(asked, (error) => error instanceof PrometheusError && words.test(error.message));

describe('the Prometheus client', () => {
  it('sends queries as forms, so that no proxy cuts a long one', async () => {
    const seen: unknown[] = [];
    const expression = `x{a="${'b'.repeat(20_000)}"}`;
    await asking(
      (request, body, response) => {
        seen.push([request.method, request.url, request.headers.authorization, new URLSearchParams(body).get('time')]);
        assert.equal(new URLSearchParams(body).get('query'), expression);
        response.end(NONE);
      },
      async (prometheus) => assert.deepEqual(await prometheus.query(expression, 1500), []),
    );
    assert.deepEqual(seen, [['POST', '/prefix/api/v1/query', 'Bearer secret', '1.5']]);
  });

  it('asks for a range in seconds, and for no more points than are read', async () => {
    const seen: unknown[] = [];
    await asking(
      (request, body, response) => {
        const { start, end, step, query } = Object.fromEntries(new URLSearchParams(body));
        seen.push([request.method, request.url, start, end, step, query]);
        response.end(JSON.stringify({ status: 'success', data: { resultType: 'matrix', result: [] } }));
      },
      async (prometheus) => {
        assert.deepEqual(await prometheus.queryRange('x', { start: 500, end: 999_500, step: 1000 }), []);
        await refuses(prometheus.queryRange('x', { start: 0, end: 1_000_000, step: 1000 }), /1001 points; 1 to 1000/);
        await refuses(prometheus.queryRange('x', { start: 0, end: 1000, step: 0 }), /Infinity points/);
        await refuses(prometheus.queryRange('x', { start: 1000, end: 0, step: 1000 }), /0 points/);
      },
    );
    assert.deepEqual(seen, [['POST', '/prefix/api/v1/query_range', '0.5', '999.5', '1', 'x']]);
  });

  it('asks for the rules of one name, without their alerts', async () => {
    await asking(
      (request, _body, response) => {
        const { pathname, searchParams } = new URL(request.url ?? '', 'http://x');
        assert.equal(pathname, '/prefix/api/v1/rules');
        assert.deepEqual(Object.fromEntries(searchParams), {
          type: 'alert',
          'rule_name[]': 'A & B',
          exclude_alerts: 'true',
        });
        response.end(JSON.stringify({ status: 'success', data: { groups: [] } }));
      },
      async (prometheus) => assert.deepEqual(await prometheus.alertingRules('A & B'), []),
    );
  });

  it('reads the rules of a server that filters none by name, and refuses more of them than it can read', async () => {
    const group = (rules: number) => ({
      rules: Array.from({ length: rules }, (_, i) => ({ type: 'alerting', name: `rule-${i}`, query: 'x'.repeat(900) })),
    });
    for (const [rules, expected] of [
      [3000, 1],
      [5000, undefined],
    ] as const)
      await asking(
        (_request, _body, response) =>
          void response.end(JSON.stringify({ status: 'success', data: { groups: [group(rules)] } })),
        async (prometheus) => {
          const asked = prometheus.alertingRules('rule-7');
          if (expected === undefined) await refuses(asked, /over 4 MiB; this Prometheus does not filter rules by name/);
          else assert.equal((await asked).length, expected);
        },
        // Megabytes to read.
        10_000,
      );
  });

  it('says that nobody listens', async () => {
    const prometheus = createPrometheus({ url: 'http://localhost:1', timeoutMs: 500 });
    await refuses(prometheus.query('x'), /ECONNREFUSED/);
    await prometheus.close();
  });

  for (const [what, handler, words] of [
    ['an answer without end', (_r, _b, response) => void response.write('{'), /no whole answer within 0.5 s/],
    ['no answer', () => {}, /no whole answer within 0.5 s/],
    [
      'a page of a proxy',
      (_r, _b, response) => void response.writeHead(502).end('<html>'),
      /answered 502, and no JSON/,
    ],
    [
      'no consent',
      (_r, _b, response) => void response.writeHead(401).end(),
      /answered 401, .* METRICOPS_PROMETHEUS_TOKEN/,
    ],
    ['2 MiB', (_r, _b, response) => void response.end(' '.repeat(2 << 20)), /over 1 MiB; aggregate/],
    [
      'what goes on for ever',
      (_r, _b, response) => void Readable.from(endless()).pipe(response),
      /over 1 MiB; aggregate/,
    ],
    ['a cut connection', (request) => void request.socket.destroy(), /can't be asked/],
  ] as const satisfies [string, Handler, RegExp][]) {
    it(`says what is wrong: ${what}`, () => asking(handler, (prometheus) => refuses(prometheus.query('x'), words)));
  }
});
