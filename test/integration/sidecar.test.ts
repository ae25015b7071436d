import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer, type RequestListener, type Server } from 'node:http';
import { createServer as createTlsServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import { describe, it } from 'mocha';
import { bundleOf, type Certificates, renewed } from '../../webhook/certificate-store.ts';
import { eventually } from '../support/poll.ts';
import { freePort, type RunningSidecar, runSidecar } from '../support/sidecar.ts';

interface Report {
  method: string | undefined;
  authorization: string | undefined;
  body: string;
}

describe('the recorder', () => {
  const ends: (() => Promise<unknown>)[] = [];
  let certificates: Certificates;
  before(async () => {
    certificates = await renewed(undefined, ['127.0.0.1'], Date.now());
  });
  afterEach(async () => {
    for (const end of ends.splice(0).reverse()) await end();
  });

  const listening = async (server: Server, port = 0): Promise<number> => {
    server.listen(port, '127.0.0.1');
    await once(server, 'listening');
    ends.push(async () => {
      server.closeAllConnections();
      server.close();
    });
    return (server.address() as AddressInfo).port;
  };
  const run = async (options: Parameters<typeof runSidecar>[0]): Promise<RunningSidecar> => {
    const sidecar = await runSidecar(options);
    ends.push(() => sidecar.end());
    return sidecar;
  };
  const said = (sidecar: RunningSidecar, msg: string): boolean => sidecar.lines.some((line) => line.msg === msg);

  /** A record endpoint over TLS that answers with the statuses in turn, the last one for ever. */
  const recordServer = async (
    statuses: (number | { status: number; retryAfter: number })[],
    pair = certificates.leaf,
    port = 0,
  ): Promise<{ url: string; reports: Report[] }> => {
    const reports: Report[] = [];
    const handler: RequestListener = async (request, response) => {
      let body = '';
      for await (const chunk of request) body += chunk;
      reports.push({ method: request.method, authorization: request.headers.authorization, body });
      const next = statuses[Math.min(reports.length, statuses.length) - 1] ?? 200;
      const { status, retryAfter } = typeof next === 'number' ? { status: next, retryAfter: undefined } : next;
      const headers = {
        'content-type': 'application/json',
        ...(retryAfter === undefined ? {} : { 'retry-after': String(retryAfter) }),
      };
      response.writeHead(status, headers).end(JSON.stringify({ release: 7, workload: 'Deployment shop/web' }));
    };
    const server = createTlsServer({ cert: pair.certificate, key: pair.key }, handler);
    return { url: `https://127.0.0.1:${await listening(server, port)}/api/v1/records`, reports };
  };

  it('reports with its token and nothing else, and says what the server made of it', async () => {
    const { url, reports } = await recordServer([201]);
    const sidecar = await run({ recordUrl: url, ca: bundleOf(certificates), token: 'first' });
    await eventually(() => said(sidecar, 'release recorded'));
    assert.deepEqual(reports, [{ method: 'POST', authorization: 'Bearer first', body: '{}' }]);
    const { text } = await sidecar.scrape();
    assert.match(text, /^metricops_recorder_recorded 1$/m);
    assert.match(text, /^metricops_recorder_release 7$/m);
  });

  it('goes on until it is taken, whatever the server says', async () => {
    const { url, reports } = await recordServer([503, 404, { status: 202, retryAfter: 1 }, 401, 200]);
    const sidecar = await run({ recordUrl: url, ca: bundleOf(certificates), token: 't' });
    await eventually(() => said(sidecar, 'release recorded'));
    assert.equal(reports.length, 5);
    assert.match((await sidecar.scrape()).text, /^metricops_recorder_reports_total\{result="refused"\} 4$/m);
  });

  it('waits for a server that is not there yet, and for its token', async () => {
    const port = await freePort();
    const sidecar = await run({ recordUrl: `https://127.0.0.1:${port}/api/v1/records`, ca: bundleOf(certificates) });
    await eventually(() => said(sidecar, 'no answer to the report'));
    sidecar.writeToken('late');
    const { reports } = await recordServer([200], certificates.leaf, port);
    await eventually(() => said(sidecar, 'release recorded'));
    assert.equal(reports[0]?.authorization, 'Bearer late');
  });

  it('takes a renewed token at the next attempt', async () => {
    const { url, reports } = await recordServer([401, 401, 200]);
    const sidecar = await run({ recordUrl: url, ca: bundleOf(certificates), token: 'old' });
    await eventually(() => reports.length > 0);
    sidecar.writeToken('new');
    await eventually(() => said(sidecar, 'release recorded'));
    assert.equal(reports.at(-1)?.authorization, 'Bearer new');
  });

  it('gives its token to nobody but who has a certificate of the bundle, which may be renewed', async () => {
    const other = await renewed(undefined, ['127.0.0.1'], Date.now());
    const { url, reports } = await recordServer([200], other.leaf);
    const sidecar = await run({ recordUrl: url, ca: bundleOf(certificates), token: 't' });
    await eventually(() => said(sidecar, 'no answer to the report'));
    assert.equal(reports.length, 0);
    sidecar.writeCa(bundleOf(other));
    await eventually(() => said(sidecar, 'release recorded'));
  });

  it('ends at once on SIGTERM, also in the middle of a request', async () => {
    const server = createTlsServer({ cert: certificates.leaf.certificate, key: certificates.leaf.key }, () => {});
    const asked = once(server, 'request');
    const url = `https://127.0.0.1:${await listening(server)}/api/v1/records`;
    const sidecar = await run({ recordUrl: url, ca: bundleOf(certificates), token: 't' });
    await asked;
    sidecar.process.kill('SIGTERM');
    const [code, signal] = await once(sidecar.process, 'exit', { signal: AbortSignal.timeout(5000) });
    assert.deepEqual([code, signal], [0, null]);
  });

  it('keeps recording when its port is taken', async () => {
    const port = await listening(createServer());
    const { url } = await recordServer([503, 200]);
    const sidecar = await run({ recordUrl: url, ca: bundleOf(certificates), token: 't', port });
    await eventually(() => said(sidecar, 'release recorded'));
    assert.ok(said(sidecar, 'no metrics: the port is taken'));
    assert.equal(sidecar.process.exitCode, null);
  });

  it('never ends by itself, even with settings that make no sense', async () => {
    const sidecar = await run({ recordUrl: 'no url' });
    await eventually(() => said(sidecar, 'the settings are wrong: nothing is recorded'));
    assert.equal(sidecar.process.exitCode, null);
    sidecar.process.kill('SIGTERM');
    assert.deepEqual(await once(sidecar.process, 'exit'), [0, null]);
  });

  describe('with the metrics of an application', () => {
    const app = async (handler: RequestListener): Promise<RunningSidecar> => {
      const port = await listening(createServer(handler));
      const { url } = await recordServer([200]);
      const env = { METRICOPS_APP_HOST: '127.0.0.1', METRICOPS_APP_PORT: String(port), METRICOPS_APP_PATH: '/m?x=1' };
      const sidecar = await run({ recordUrl: url, ca: bundleOf(certificates), token: 't', env });
      await eventually(() => said(sidecar, 'serving metrics'));
      return sidecar;
    };
    const text = { 'content-type': 'text/plain; version=0.0.4; charset=utf-8' };

    it('merges them, without what collides', async () => {
      const asked: (string | undefined)[] = [];
      const sidecar = await app((request, response) => {
        asked.push(request.url);
        response.writeHead(200, text).end('# TYPE hits counter\nhits{where="ä"} 3\nmetricops_recorder_release 99');
      });
      const answer = await sidecar.scrape();
      assert.deepEqual(asked, ['/m?x=1']);
      assert.match(answer.text, /^hits\{where="ä"\} 3$/m);
      assert.doesNotMatch(answer.text, /^metricops_recorder_release 99$/m);
      assert.match(answer.text, /^metricops_recorder_app_scrape_success 1$/m);
    });

    it('hands a large exposition on whole', async () => {
      const lines = Array.from({ length: 50_000 }, (_, i) => `series_${i % 100}{i="${i}"} ${i}\n`);
      const sidecar = await app((_request, response) => void response.writeHead(200, text).end(lines.join('')));
      const answer = await sidecar.scrape();
      assert.ok(answer.text.startsWith(lines.join('')));
      assert.match(answer.text, /^metricops_recorder_app_scrape_success 1$/m);
    });

    it('speaks OpenMetrics where the application does', async () => {
      const type = 'application/openmetrics-text; version=1.0.0; charset=utf-8';
      const sidecar = await app((_request, response) =>
        response.writeHead(200, { 'content-type': type }).end('# TYPE hits counter\nhits_total 3\n# EOF\n'),
      );
      const answer = await sidecar.scrape();
      assert.equal(answer.type, type);
      assert.match(answer.text, /^hits_total 3$/m);
      assert.equal(answer.text.match(/# EOF/g)?.length, 1);
      assert.ok(answer.text.endsWith('# EOF\n'));
    });

    const failures: Record<string, RequestListener> = {
      'answers an error': (_request, response) => void response.writeHead(500).end('no'),
      'answers a page': (_request, response) =>
        void response.writeHead(200, { 'content-type': 'text/html' }).end('<p>'),
      'hangs up': (request) => void request.socket.destroy(),
      'does not answer in time': () => {},
      'stops in the middle': (_request, response) => {
        response.writeHead(200, text).write('hits 3\nhal');
        setImmediate(() => response.destroy());
      },
    };
    for (const [what, handler] of Object.entries(failures)) {
      it(`serves its own when the application ${what}`, async () => {
        const sidecar = await app(handler);
        const answer = await sidecar.scrape({ 'x-prometheus-scrape-timeout-seconds': '1' });
        assert.equal(answer.status, 200);
        assert.doesNotMatch(answer.text, /hal|<p>/);
        assert.match(answer.text, /^metricops_recorder_app_scrape_success 0$/m);
      });
    }
  });
});
