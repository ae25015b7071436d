import assert from 'node:assert/strict';
import type { ServerResponse } from 'node:http';
import { afterEach, describe, it } from 'mocha';
import { type SinkServer, startSinkServer } from '../../test/support/sink-server.ts';
import { accessToSink } from './access.ts';
import { type OpenPost, openPost } from './post.ts';
import { SinkError } from './sink-error.ts';

const NOW = Date.parse('2026-01-01T12:00:00Z');

describe('a request to a sink', () => {
  let server: SinkServer;
  let opened: OpenPost | undefined;
  afterEach(async () => {
    await opened?.close();
    opened = undefined;
    await server?.stop();
  });
  /** What became of it where the server answers so. */
  const send = async (
    answer: (response: ServerResponse) => void,
    { timeoutMs = 5_000, isKnown }: { timeoutMs?: number; isKnown?: (status: number, text: string) => boolean } = {},
  ): Promise<SinkError | undefined> => {
    server = await startSinkServer();
    server.answer = (_, response) => {
      answer(response);
      return true;
    };
    opened = openPost({}, { now: () => NOW, timeoutMs });
    const request = { url: new URL(`${server.url}/services/secret`), headers: {}, body: '{}' };
    return opened.post({ ...request, ...(isKnown ? { isKnown } : {}) }).then(
      () => undefined,
      (error: unknown) => {
        assert.ok(error instanceof SinkError, String(error));
        assert.ok(!error.message.includes('secret'), error.message);
        return error;
      },
    );
  };
  const status =
    (code: number, headers: Record<string, string> = {}, body = '') =>
    (response: ServerResponse) =>
      void response.writeHead(code, headers).end(body);

  for (const code of [200, 201, 202, 204])
    it(`is done with ${code}`, async () => assert.equal(await send(status(code)), undefined));

  it('is done with 2xx, whatever comes after it', async () => {
    const endless = (response: ServerResponse): void => {
      response.writeHead(200);
      const more = (): void => void (response.destroyed || response.write(Buffer.alloc(64 * 1024), () => more()));
      more();
    };
    assert.equal(await send(endless), undefined);
  });

  for (const code of [400, 413, 422])
    it(`is given up with ${code}, with the words of the API`, async () => {
      const error = await send(status(code, {}, '{"message":"No commit found for SHA"}'));
      assert.equal(error?.reason, 'NotDelivered');
      assert.match(error?.message ?? '', new RegExp(`answered ${code}: No commit found for SHA$`));
    });

  for (const code of [401, 403, 404, 408, 410, 429, 500, 503])
    it(`is sent again with ${code}`, async () => assert.equal((await send(status(code)))?.reason, 'DeliveryFailed'));

  for (const [header, expected] of [
    ['7', 7_000],
    ['Thu, 01 Jan 2026 12:01:00 GMT', 60_000],
    ['99999999', 3_600_000],
    ['soon', undefined],
    ['-5', undefined],
    ['Thu, 01 Jan 2025 12:00:00 GMT', undefined],
  ] as const)
    it(`is sent again when the sink wants it: Retry-After: ${header}`, async () => {
      assert.equal((await send(status(429, { 'retry-after': header })))?.retryInMs, expected);
    });

  it('follows no redirect: its credentials are for one host', async () => {
    const error = await send(status(307, { location: 'http://169.254.169.254/' }));
    assert.equal(error?.reason, 'DeliveryFailed');
    assert.match(error?.message ?? '', /redirects to 169.254.169.254/);
    assert.equal(server.received.length, 1);
  });

  it('is sent again where no answer comes in time, or none at all', async () => {
    assert.match((await send(() => {}, { timeoutMs: 100 }))?.message ?? '', /no answer within 0.1 s/);
    await opened?.close();
    await server.stop();
    assert.match((await send((response) => void response.socket?.destroy()))?.message ?? '', /can't be reached/);
  });

  it('shows nothing of an answer that is none of an API', async () => {
    const error = await send(status(500, {}, 'AWS_SECRET_ACCESS_KEY=x'));
    assert.match(error?.message ?? '', /answered 500$/);
    const long = await send(status(500, {}, JSON.stringify({ error: 'x'.repeat(10_000) })));
    assert.ok((long?.message.length ?? 0) < 300);
  });

  it('is done where the sink says that it has it already', async () => {
    const isKnown = (code: number, text: string): boolean => code === 400 && text.includes('Cannot transition');
    assert.equal(await send(status(400, {}, '{"message":"Cannot transition status"}'), { isKnown }), undefined);
  });

  it('goes to no name of an internal address', async () => {
    server = await startSinkServer();
    const url = new URL(server.url.replace('127.0.0.1', 'localhost'));
    opened = openPost(accessToSink(url, { notifications: { allowedHosts: [] } }, false), { now: () => NOW });
    await assert.rejects(
      opened.post({ url, headers: {}, body: '{}' }),
      (error) => error instanceof SinkError && error.reason === 'HostRefused',
    );
    assert.equal(server.received.length, 0);
  });
});
