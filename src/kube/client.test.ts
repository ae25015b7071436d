import assert from 'node:assert/strict';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterEach, describe, it } from 'mocha';
import type { KubeObject } from '../api/meta.ts';
import { createKubeClient } from './client.ts';
import { isRejected, type KubeError } from './errors.ts';
import { resources } from './resources.ts';

type Answer = (request: IncomingMessage, response: ServerResponse) => void;

const json =
  (status: number, body: unknown, headers: Record<string, string> = {}): Answer =>
  (_request, response) => {
    response.writeHead(status, { 'content-type': 'application/json', ...headers }).end(JSON.stringify(body));
  };
const cut: Answer = (request) => void request.socket.destroy();
const expired = json(410, { kind: 'Status', status: 'Failure', reason: 'Expired', message: 'too old' });
const busy = (seconds: number): Answer =>
  json(429, { kind: 'Status', reason: 'TooManyRequests', message: 'later' }, { 'retry-after': String(seconds) });
const configMap = (name: string): KubeObject => ({
  apiVersion: 'v1',
  kind: 'ConfigMap',
  metadata: { namespace: 'ns', name },
});

const endings: (() => Promise<unknown>)[] = [];

/** A client of a server that answers as scripted, request by request: faults that a real one gives only by chance. */
const scripted = async (...script: Answer[]) => {
  const seen: string[] = [];
  const slept: number[] = [];
  const counted: string[] = [];
  const server = createServer((request, response) => {
    const next = script[seen.length];
    seen.push(`${request.method} ${request.url}`);
    request.resume().once('end', () => (next ?? json(500, {}))(request, response));
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  const client = createKubeClient(
    { server: `http://127.0.0.1:${port}`, namespace: 'default' },
    {
      clock: { now: Date.now, sleep: async (ms) => void slept.push(ms) },
      onRequest: (verb, code) => counted.push(`${verb} ${code}`),
    },
  );
  endings.push(async () => {
    await client.close();
    server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
  });
  return { client, seen, slept, counted, script };
};

afterEach(async () => {
  for (const end of endings.splice(0)) await end();
});

describe('the API client, when the API server is in trouble', () => {
  it('comes back when a busy server said, with any verb', async () => {
    const { client, slept, counted } = await scripted(busy(2), busy(1), json(201, configMap('a')));
    assert.equal((await client.create(resources.configMaps, configMap('a'))).metadata.name, 'a');
    assert.equal(slept.length, 2);
    assert.ok((slept[0] ?? 0) >= 2000 && (slept[1] ?? 0) >= 1000, slept.join());
    assert.deepEqual(counted, ['POST 429', 'POST 429', 'POST 201']);
  });

  it('gives up on a server that is busy for ever, or for long', async () => {
    const forever = await scripted(...Array.from({ length: 9 }, () => busy(1)));
    await assert.rejects(forever.client.list(resources.configMaps), (e: KubeError) => e.status === 429);
    assert.equal(forever.seen.length, 5);
    const long = await scripted(busy(600));
    await assert.rejects(long.client.list(resources.configMaps), (e: KubeError) => e.retryAfterSeconds === 600);
    assert.equal(long.seen.length, 1);
  });

  it('repeats what was cut off only where twice is as once', async () => {
    const read = await scripted(cut, json(200, configMap('a')));
    assert.ok(await read.client.get(resources.configMaps, { namespace: 'ns', name: 'a' }));
    const applied = await scripted(cut, json(200, configMap('a')));
    await applied.client.apply(resources.configMaps, configMap('a'), { fieldManager: 'test' });
    assert.equal(applied.seen.length, 2);
    const created = await scripted(cut, json(201, configMap('a')));
    await assert.rejects(created.client.create(resources.configMaps, configMap('a')), (e: KubeError) => e.status === 0);
    assert.equal(created.seen.length, 1);
  });

  it('begins a list again when its pages have expired, and gives each item once', async () => {
    const page = (names: string[], next?: string) =>
      json(200, { metadata: { resourceVersion: '7', continue: next }, items: names.map(configMap) });
    const { client, seen } = await scripted(page(['a', 'b'], 'x'), expired, page(['a', 'b'], 'y'), page(['c']));
    const { items, resourceVersion } = await client.list(resources.configMaps, { namespace: 'ns' });
    assert.deepEqual(
      items.map((i) => i.metadata.name),
      ['a', 'b', 'c'],
    );
    assert.equal(resourceVersion, '7');
    assert.match(seen[3] ?? '', /continue=y/);
  });

  it('says what a proxy on the way said', async () => {
    const { client } = await scripted((_request, response) => response.writeHead(502).end('<h1>bad gateway</h1>'));
    await assert.rejects(
      client.list(resources.configMaps),
      (e: KubeError) => e.status === 502 && /bad gateway/.test(e.message),
    );
  });

  for (const type of [resources.secrets, resources.configMaps, resources.deployments])
    it(`shows no value of a ${type.kind} that server-side apply quotes, and takes the refusal for final`, async () => {
      const message =
        'failed to create typed patch object (ns/a; v1, Kind=X): errors:\n  .env[0].value: expected string, got &value.valueUnstructured{Value:4711}\n  .x: expected list, got &{"4712\n4713"}';
      const { client } = await scripted(json(500, { kind: 'Status', message }));
      await assert.rejects(client.apply(type, configMap('a'), { fieldManager: 'test' }), (error: KubeError) => {
        assert.match(error.message, /\.env\[0\]\.value: expected string, got a value of another type/);
        assert.doesNotMatch(error.message, /471[123]/);
        return isRejected(error);
      });
    });

  it('says in full what an admission webhook got', async () => {
    const message = 'admission webhook "policy.example.com" denied the request: expected 2 replicas, got 1';
    const { client } = await scripted(json(403, { kind: 'Status', message, details: { causes: [{ reason: 'X' }] } }));
    const apply = client.apply(resources.secrets, configMap('a'), { fieldManager: 'test' });
    await assert.rejects(apply, (error: KubeError) => error.message === message && error.details !== undefined);
  });

  it('ends a watch that is told to list again, and one that is cut', async () => {
    const event = (type: string, object: unknown): string => `${JSON.stringify({ type, object })}\n`;
    const text = event('ADDED', configMap('ü')) + event('ERROR', { code: 410, reason: 'Expired', message: 'too old' });
    const inPieces: Answer = (_request, response) => {
      const bytes = Buffer.from(text);
      const at = bytes.indexOf('ü') + 1; // within a character
      response.write(bytes.subarray(0, at));
      setImmediate(() => response.end(bytes.subarray(at)));
    };
    const cutLater: Answer = (request, response) => {
      response.write(event('BOOKMARK', { metadata: { resourceVersion: '9' } }));
      setImmediate(() => request.socket.destroy());
    };
    const { client } = await scripted(inPieces, cutLater, expired);
    const watch = async () => {
      const events: string[] = [];
      const options = { resourceVersion: '1' };
      try {
        for await (const e of client.watch(resources.configMaps, options, new AbortController().signal))
          events.push(e.type === 'BOOKMARK' ? e.resourceVersion : e.object.metadata.name);
      } catch (error) {
        return { events, status: (error as KubeError).status };
      }
      return { events };
    };
    assert.deepEqual(await watch(), { events: ['ü'], status: 410 });
    assert.deepEqual(await watch(), { events: ['9'], status: 0 });
    assert.deepEqual(await watch(), { events: [], status: 410 });
  });

  const log =
    (body: string | Buffer): Answer =>
    (_request, response) => {
      response.writeHead(200, { 'content-type': 'text/plain' });
      const bytes = Buffer.from(body);
      response.write(bytes.subarray(0, 5));
      setImmediate(() => response.end(bytes.subarray(5)));
    };
  const POD = { namespace: 'ns', name: 'web' };
  const ofApp = { container: 'app', tailLines: 50, maxBytes: 12 };

  it('reads the end of a log: whole lines, as many bytes as were asked for', async () => {
    const { client, seen, counted } = await scripted(
      log('one\n'),
      log('first\nsecond\nthird\n'),
      log('a line of 23 characters\n'),
      log(Buffer.from([...Array(12).fill(0xff), 0x0a])),
      log('äääääääää'),
    );
    assert.equal(await client.readLog(POD, { ...ofApp, previous: true }), 'one\n');
    assert.match(
      seen[0] ?? '',
      /^GET \/api\/v1\/namespaces\/ns\/pods\/web\/log\?container=app&previous=true&tailLines=50&limitBytes=\d+$/,
    );
    assert.equal(await client.readLog(POD, ofApp), 'third\n');
    assert.doesNotMatch(seen[1] ?? '', /previous/);
    assert.equal(await client.readLog(POD, ofApp), ' characters\n');
    for (let i = 0; i < 2; i += 1) assert.ok(Buffer.byteLength(await client.readLog(POD, ofApp)) <= 12);
    assert.deepEqual(new Set(counted), new Set(['GET 200']));
  });

  it('says why a log can not be read', async () => {
    const { client } = await scripted(
      json(403, { kind: 'Status', reason: 'Forbidden', message: 'pods "web" is forbidden' }),
      json(400, { kind: 'Status', reason: 'BadRequest', message: 'previous terminated container not found' }),
      cut,
    );
    await assert.rejects(client.readLog(POD, ofApp), (e: KubeError) => e.status === 403 && /forbidden/.test(e.message));
    await assert.rejects(client.readLog(POD, ofApp), (e: KubeError) => e.status === 400);
    await assert.rejects(client.readLog(POD, ofApp), (e: KubeError) => e.status === 0);
  });
});
