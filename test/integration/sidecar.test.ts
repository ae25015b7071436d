import assert from 'node:assert/strict';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { createServer, type IncomingMessage, type RequestListener, type Server } from 'node:http';
import { createServer as createTlsServer } from 'node:https';
import { type AddressInfo, connect } from 'node:net';
import { gzipSync } from 'node:zlib';
import { describe, it } from 'mocha';
import { bundleOf, type Certificates, renewed } from '../../webhook/certificate-store.ts';
import { hanging, openHanging } from '../support/hostile-caller.ts';
import { eventually } from '../support/poll.ts';
import { startPrometheusFixture } from '../support/prometheus.ts';
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
    await eventually(() => said(sidecar, 'report failed'));
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
    await eventually(() => said(sidecar, 'report failed'));
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

  it('keeps recording when its port is taken, and serves its metrics as soon as it is free', async () => {
    const other = createServer();
    const port = await listening(other);
    const { url } = await recordServer([503, 200]);
    const sidecar = await run({ recordUrl: url, ca: bundleOf(certificates), token: 't', port });
    await eventually(() => said(sidecar, 'release recorded'));
    assert.ok(said(sidecar, 'metrics port in use; retrying'));
    assert.equal(sidecar.process.exitCode, null);
    other.close();
    await eventually(() => said(sidecar, 'serving metrics'));
    assert.equal((await sidecar.scrape()).status, 200);
  });

  it('never ends by itself, even with settings that make no sense', async () => {
    const sidecar = await run({ recordUrl: 'no url' });
    await eventually(() => said(sidecar, 'invalid settings: nothing is recorded'));
    assert.equal(sidecar.process.exitCode, null);
    sidecar.process.kill('SIGTERM');
    assert.deepEqual(await once(sidecar.process, 'exit'), [0, null]);
  });

  describe('with the metrics of an application', () => {
    const app = async (handler: RequestListener, path = '/m?x=1'): Promise<RunningSidecar> => {
      const port = await listening(createServer(handler));
      const { url } = await recordServer([200]);
      const env = { METRICOPS_APP_HOST: '127.0.0.1', METRICOPS_APP_PORT: String(port), METRICOPS_APP_PATH: path };
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

    it('asks as Prometheus asks: with its query, its Authorization, its time, and what it accepts', async () => {
      const asked: IncomingMessage[] = [];
      const sidecar = await app((request, response) => {
        asked.push(request);
        response.writeHead(200, text).end('hits 3\n');
      });
      const headers = {
        authorization: 'Bearer scrape',
        accept:
          'application/vnd.google.protobuf;proto=io.prometheus.client.MetricFamily;encoding=delimited;q=0.6,' +
          'application/openmetrics-text;version=1.0.0;escaping=allow-utf-8;q=0.5,*/*;q=0.1',
        'x-prometheus-scrape-timeout-seconds': '7',
      };
      assert.equal((await sidecar.scrape(headers, '/metrics?format=prometheus')).status, 200);
      assert.equal(asked[0]?.url, '/m?x=1&format=prometheus');
      assert.equal(asked[0]?.headers.authorization, 'Bearer scrape');
      assert.equal(asked[0]?.headers['x-prometheus-scrape-timeout-seconds'], '7');
      const accept = 'application/openmetrics-text;version=1.0.0;escaping=allow-utf-8;q=0.5,*/*;q=0.1';
      assert.equal(asked[0]?.headers.accept, accept);
    });

    it('finds a path with a space, without a slash, and behind a redirect', async () => {
      const asked: (string | undefined)[] = [];
      const sidecar = await app((request, response) => {
        asked.push(request.url);
        if (request.url?.endsWith('/')) response.writeHead(200, text).end('hits 3\n');
        else response.writeHead(307, { location: `${request.url}/` }).end();
      }, 'my metrics');
      assert.match((await sidecar.scrape()).text, /^hits 3$/m);
      assert.deepEqual(asked, ['/my%20metrics', '/my%20metrics/']);
    });

    it('reads an application that compresses whatever one asks for', async () => {
      const encoded = { ...text, 'content-encoding': 'gzip' };
      const sidecar = await app(
        (_request, response) => void response.writeHead(200, encoded).end(gzipSync('hits 3\n')),
      );
      assert.match((await sidecar.scrape()).text, /^hits 3$/m);
    });

    it('hands on what type the application says', async () => {
      const sidecar = await app(
        (_request, response) => void response.writeHead(200, { 'content-type': 'text/html' }).end('hits 3\n'),
      );
      const { status, type } = await sidecar.scrape();
      assert.deepEqual([status, type], [200, 'text/html']);
    });

    const openMetrics = { 'content-type': 'application/openmetrics-text; version=1.0.0; charset=utf-8' };
    const failures: Record<string, RequestListener> = {
      'answers an error': (_request, response) => void response.writeHead(500).end('no'),
      'asks who is there': (_request, response) => void response.writeHead(401).end('no'),
      'sends it to another host': (_request, response) =>
        void response.writeHead(302, { location: 'http://127.0.0.1:1/metrics' }).end(),
      'hangs up': (request) => void request.socket.destroy(),
      'does not answer in time': () => {},
      'stops in the middle': (_request, response) => {
        response.writeHead(200, text).write('hits 3\nhal');
        setImmediate(() => response.destroy());
      },
      'stops before its first line ends': (_request, response) => {
        response.writeHead(200, text).write('hal');
        setImmediate(() => response.destroy());
      },
      'leaves the end mark out': (_request, response) =>
        void response.writeHead(200, openMetrics).end('hits_total 3\n'),
      'writes a line without end': (_request, response) =>
        void response.writeHead(200, text).end(`hits 3\n${'x'.repeat(2 << 20)}`),
      'answers in protobuf': (_request, response) =>
        void response.writeHead(200, { 'content-type': 'application/vnd.google.protobuf; x=y' }).end('x'),
    };
    for (const [what, handler] of Object.entries(failures)) {
      it(`fails the scrape when the application ${what}`, async () => {
        const sidecar = await app(handler);
        const scraped = sidecar.scrape({ 'x-prometheus-scrape-timeout-seconds': '1' });
        const status = await scraped.then(
          (answer) => answer.status,
          () => 'broken off',
        );
        assert.ok(status === 503 || status === 'broken off', `${status}`);
        assert.match(
          (await sidecar.scrape({}, '/metrics/recorder')).text,
          /^metricops_recorder_app_scrape_success 0$/m,
        );
      });
    }

    it('is scraped while others hold connections to it, silent or half asking', async () => {
      const sidecar = await app((_request, response) => void response.writeHead(200, text).end('hits 3\n'));
      for (const held of ['', hanging['half the headers']]) {
        const hang = await openHanging({ port: sidecar.port }, { count: 100, text: held });
        ends.push(async () => hang.end());
        assert.match((await sidecar.scrape()).text, /^hits 3$/m);
        await eventually(() => hang.open() === 0, { timeoutMs: 10_000, what: 'an end of those that never ask' });
      }
    });

    it('is scraped while others do not read what they asked for', async () => {
      const large = `${'# a long comment that nobody reads, and that comes again and again\n'.repeat(100_000)}hits 3\n`;
      const sidecar = await app((_request, response) => void response.writeHead(200, text).end(large));
      for (let i = 0; i < 40; i += 1) {
        const socket = connect(sidecar.port, '127.0.0.1', () => {
          socket.pause().write('GET /metrics HTTP/1.1\r\nhost: x\r\n\r\n');
        });
        socket.on('error', () => {});
        ends.push(async () => socket.destroy());
        await once(socket, 'connect');
      }
      await eventually(async () => /^hits 3$/m.test((await sidecar.scrape()).text));
    });

    it('takes no more than 16 MiB of its own at rest', async () => {
      const sidecar = await app((_request, response) => void response.writeHead(200, text).end('hits 3\n'));
      await sidecar.scrape();
      const rollup = readFileSync(`/proc/${sidecar.process.pid}/smaps_rollup`, 'utf8');
      const kib = [...rollup.matchAll(/^Private_(?:Clean|Dirty): +(\d+) kB$/gm)].map(([, size]) => Number(size));
      const mib = kib.reduce((sum, size) => sum + size, 0) / 1024;
      assert.ok(mib <= 16, `${mib} MiB`);
    });
  });

  describe('before a real Prometheus', () => {
    it('is down when the application behind it fails, and up when it answers', async function () {
      this.timeout(120_000);
      let answer: RequestListener = (_request, response) => void response.writeHead(200).end('hits 3\n');
      const port = await listening(createServer((request, response) => answer(request, response)));
      const { url } = await recordServer([200]);
      const env = { METRICOPS_APP_HOST: '127.0.0.1', METRICOPS_APP_PORT: String(port) };
      const sidecar = await run({ recordUrl: url, ca: bundleOf(certificates), token: 't', env });
      const prometheus = await startPrometheusFixture({ targets: [`127.0.0.1:${sidecar.port}`] });
      ends.push(() => prometheus.stop());
      const value = async (query: string): Promise<string | undefined> => {
        const asked = await fetch(`${prometheus.url}/api/v1/query?query=${encodeURIComponent(query)}`);
        const { data } = (await asked.json()) as { data: { result: { value: [number, string] }[] } };
        return data.result[0]?.value[1];
      };
      const up = `up{instance="127.0.0.1:${sidecar.port}"}`;
      await eventually(async () => (await value(up)) === '1' && (await value('hits')) === '3');
      assert.equal(await value('metricops_recorder_app_scrape_success'), '1');
      const broken: RequestListener[] = [
        (_request, response) => void response.writeHead(500).end('no'),
        (_request, response) => {
          response.writeHead(200).write('hits 3\nhal');
          setImmediate(() => response.destroy());
        },
      ];
      for (const failing of broken) {
        const healthy = answer;
        answer = failing;
        await eventually(async () => (await value(up)) === '0' && (await value('hits')) === undefined);
        answer = healthy;
        await eventually(async () => (await value(up)) === '1');
      }
    });
  });
});
