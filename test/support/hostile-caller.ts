import { createHmac } from 'node:crypto';
import { request as http } from 'node:http';
import { request as https } from 'node:https';
import { type Socket, connect as tcp } from 'node:net';
import { connect as tls } from 'node:tls';
import { gzipSync } from 'node:zlib';

/**
 * A caller that means no good, for tests of what it costs others: loopback only, and never more than MAX_SOCKETS
 * sockets or MAX_BYTES bytes at a time.
 *
 *   forgedCalls      requests that must be refused: sent whole, each answered with a status
 *   openHanging      sockets that send less than a request and wait: idle, half the headers, half a body
 *
 * Callers come from different addresses by `from` (Linux serves all of 127.0.0.0/8).
 */
const MAX_SOCKETS = 2_000;
const MAX_BYTES = 256 << 20;

export interface Target {
  port: number;
  /** TLS, whose certificate is not asked for. */
  tls?: boolean;
}

export interface Call {
  name: string;
  /** Of which listener. */
  at: 'http' | 'records';
  path: string;
  headers?: Record<string, string>;
  body?: string | Buffer;
  /** The statuses that refuse it. */
  refusedBy: number[];
}

const b64 = (value: unknown): string => Buffer.from(JSON.stringify(value)).toString('base64url');
/** Claims of a pod's token, as they would have to be, with a signature that is none. */
const forgedToken = (header: object): string => {
  const pod = { pod: { name: 'web-0', uid: '00000000-0000-0000-0000-000000000000' }, namespace: 'default' };
  const claims = {
    aud: ['metricops.dev/record'],
    exp: 4e9,
    iss: 'https://kubernetes.default.svc',
    'kubernetes.io': pod,
  };
  return `${b64(header)}.${b64(claims)}.${Buffer.alloc(64, 7).toString('base64url')}`;
};

const ALERT = JSON.stringify({
  version: '4',
  status: 'firing',
  alerts: [
    {
      status: 'firing',
      labels: { alertname: 'Burn', namespace: 'default', deployment: 'web' },
      startsAt: '2026-01-01T00:00:00Z',
      fingerprint: 'f',
    },
  ],
});
const HOOK = JSON.stringify({ repository: { clone_url: 'https://git.example.com/team/shop.git' } });
const signed = (body: string, secret: string): Record<string, string> => ({
  'x-hub-signature-256': `sha256=${createHmac('sha256', secret).update(body).digest('hex')}`,
});

/** A table of requests that look like genuine ones and are not. */
export const forgedCalls = (): Call[] => {
  const bomb = gzipSync(Buffer.alloc(64 << 20, ' '));
  const callers: Omit<Call, 'at'>[] = [
    { name: 'an alert without a token', path: '/api/v1/alerts', body: ALERT, refusedBy: [401] },
    {
      name: 'an alert with a wrong token',
      path: '/api/v1/alerts',
      headers: { authorization: 'Bearer wrong' },
      body: ALERT,
      refusedBy: [401],
    },
    {
      name: 'an alert of 32 MiB without a token',
      path: '/api/v1/alerts',
      body: Buffer.alloc(32 << 20, ' '),
      refusedBy: [401],
    },
    {
      name: 'a gzip bomb of an alert',
      path: '/api/v1/alerts',
      headers: { 'content-encoding': 'gzip' },
      body: bomb,
      refusedBy: [401],
    },
    { name: 'a hook without anything', path: '/api/v1/push', body: HOOK, refusedBy: [401] },
    {
      name: 'a hook with a wrong token, by name',
      path: '/api/v1/push/shop/shop',
      headers: { authorization: 'Bearer wrong' },
      refusedBy: [401],
    },
    {
      name: 'a hook with a wrong token of GitLab',
      path: '/api/v1/push',
      headers: { 'x-gitlab-token': 'wrong', 'x-gitlab-event': 'Push Hook' },
      body: HOOK,
      refusedBy: [401],
    },
    {
      name: 'a hook that is signed with another secret',
      path: '/api/v1/push',
      headers: { 'x-github-event': 'push', ...signed(HOOK, 'wrong') },
      body: HOOK,
      refusedBy: [401],
    },
    {
      name: 'a hook with the signature of another body',
      path: '/api/v1/push/shop/shop',
      headers: signed('{}', 'push-token'),
      body: HOOK,
      refusedBy: [401],
    },
    {
      name: 'a gzip bomb of a hook',
      path: '/api/v1/push',
      headers: { 'content-encoding': 'gzip', ...signed('', 'wrong') },
      body: bomb,
      refusedBy: [415],
    },
    {
      name: 'a hook of 32 MiB',
      path: '/api/v1/push',
      headers: signed('', 'wrong'),
      body: Buffer.alloc(32 << 20, ' '),
      refusedBy: [413],
    },
  ];
  const records: Omit<Call, 'at'>[] = [
    { name: 'a record without a token', refusedBy: [401] },
    { name: 'a record with a word', headers: { authorization: 'Bearer word' }, refusedBy: [401] },
    {
      name: 'a record with an unsigned token',
      headers: { authorization: `Bearer ${forgedToken({ alg: 'none' })}` },
      refusedBy: [401],
    },
    {
      name: 'a record with a token of a key that nobody has',
      headers: { authorization: `Bearer ${forgedToken({ alg: 'RS256', kid: 'unknown' })}` },
      refusedBy: [401],
    },
    { name: 'a record of 32 MiB', body: Buffer.alloc(32 << 20, ' '), refusedBy: [401] },
  ].map((call) => ({ path: '/api/v1/records', ...call }));
  return [
    ...callers.flatMap((call): Call[] => [
      { ...call, at: 'http' },
      { ...call, at: 'records' },
    ]),
    ...records.map((call): Call => ({ ...call, at: 'records' })),
  ];
};

/** The status of the answer; 0 when the connection was cut before there was one. */
export const send = (
  target: Target,
  { path, headers = {}, body = '' }: Pick<Call, 'path' | 'headers' | 'body'>,
  from = '127.0.0.1',
): Promise<number> =>
  new Promise((resolve) => {
    const length = Buffer.byteLength(body);
    const asked = (target.tls ? https : http)(
      {
        host: '127.0.0.1',
        port: target.port,
        localAddress: from,
        method: 'POST',
        path,
        agent: false,
        rejectUnauthorized: false,
        headers: { ...headers, 'content-length': length },
      },
      (response) => {
        response.resume();
        response.once('end', () => resolve(response.statusCode ?? 0)).once('error', () => resolve(0));
      },
    );
    asked.on('error', () => resolve(0)); // after an answer it changes nothing
    asked.end(body);
  });

/** What a caller sends before it waits for ever. */
export const hanging = {
  idle: '',
  'half the headers': 'POST /api/v1/push HTTP/1.1\r\nhost: x\r\nx-slow: ',
  /** One that could be signed: this much of it is read. */
  'half a body': (sent: number, claimed = 1 << 20): string =>
    [
      'POST /api/v1/push HTTP/1.1',
      'host: x',
      `x-hub-signature-256: sha256=${'0'.repeat(64)}`,
      `content-length: ${claimed}`,
      '',
      ' '.repeat(sent),
    ].join('\r\n'),
} as const;

export interface Hanging {
  /** Sockets that the server has not closed. */
  open(): number;
  end(): void;
}

/** Opens sockets that send `text` and no more; resolves when all of them are connected, or refused. */
export const openHanging = async (
  target: Target,
  { count, text, from = ['127.0.0.1'] }: { count: number; text: string; from?: readonly string[] },
): Promise<Hanging> => {
  if (count > MAX_SOCKETS || count * text.length > MAX_BYTES) throw new Error('more than this tool is for');
  const sockets = new Set<Socket>();
  const opened = Array.from({ length: count }, (_, i) => {
    const where = { host: '127.0.0.1', port: target.port, localAddress: from[i % from.length] ?? '127.0.0.1' };
    const socket = target.tls ? tls({ ...where, rejectUnauthorized: false }) : tcp(where);
    sockets.add(socket);
    return new Promise<void>((resolve) => {
      socket.once(target.tls ? 'secureConnect' : 'connect', () => {
        if (text === '') resolve();
        else socket.write(text, () => resolve());
      });
      socket.on('error', () => {}); // the server may close it whenever it likes
      socket.once('close', () => {
        sockets.delete(socket);
        resolve();
      });
      socket.resume();
    });
  });
  await Promise.all(opened);
  return {
    open: () => sockets.size,
    end: () => {
      for (const socket of sockets) socket.destroy();
    },
  };
};
