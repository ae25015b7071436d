import assert from 'node:assert/strict';
import fc from 'fast-check';
import { describe, it } from 'mocha';
import { createLog } from './log.ts';
import { withoutSecretTexts } from './redact.ts';

const SECRET = 'hunter2';

/** Every line that is written for it, which must be JSON. */
const logged = (write: (log: ReturnType<typeof createLog>) => void): string => {
  const lines: string[] = [];
  write(createLog({ destination: { write: (line: string) => void lines.push(line) } }));
  for (const line of lines) JSON.parse(line);
  return lines.join('');
};

/** What people put into URLs and messages, and what must still be legible. */
const TEXTS: Record<string, [text: string, kept: string]> = {
  'a user and a password': [`https://bob:${SECRET}@git.example/repo.git`, '@git.example/repo.git'],
  'a password that holds @': [`https://bob:p@${SECRET}@git.example/repo.git`, '@git.example/repo.git'],
  'a password that holds quotes and backslashes': [`https://bob:"\\@${SECRET}"@git.example/r`, '@git.example/r'],
  'a token as the user': [`https://${SECRET}@git.example/repo.git`, '@git.example/repo.git'],
  'a private token in the query': [`https://git.example/r.git?private_token=${SECRET}&ref=main`, '&ref=main'],
  'an access token in the query': [
    `https://git.example/r.git?ref=main&access_token=${SECRET}`,
    'ref=main&access_token=',
  ],
  'a signature in the query': [`https://blob.example/x?sv=1&sig=${SECRET}%3D&se=2`, '&se=2'],
  'a bearer token': [`401 for Authorization: Bearer ${SECRET}abcdef`, '401 for Authorization: Bearer'],
  'basic credentials': [`Basic Ym9iOmh1bnRlcjI=${SECRET}`, 'Basic'],
  'a JSON Web Token': [`token eyJhbGciOiJub25lIn0.${SECRET}.x refused`, 'refused'],
  'a token of GitHub': [`with ghp_${SECRET}0123456789 it fails`, 'it fails'],
  'a token of GitLab': [`with glpat-${SECRET}0123456789 it fails`, 'it fails'],
  'a private key': [`-----BEGIN EC PRIVATE KEY-----\n${SECRET}\n-----END EC PRIVATE KEY----- in a`, ' in a'],
};

describe('what the log leaves out', () => {
  for (const [what, [text, kept]] of Object.entries(TEXTS)) {
    it(`is ${what}, in messages, fields, lists and errors`, () => {
      const error = (message: string, cause?: unknown): Error => new Error(message, { cause });
      const entries: ((log: ReturnType<typeof createLog>) => void)[] = [
        (log) => log.info(text),
        (log) => log.child({ of: text }).info('a'),
        (log) => log.info({ url: text, list: [{ deep: { er: text } }] }, 'a'),
        (log) => log.error({ err: error(text) }, 'a'),
        (log) => log.error(error('outer', error(text))),
        (log) => log.error({ err: new AggregateError([error('x'), error('y', error(text))], 'all failed') }, 'a'),
        (log) => log.error({ reason: Object.assign(error('with fields'), { request: { url: text } }) }, 'a'),
      ];
      for (const write of entries) {
        const line = logged(write);
        assert.ok(!line.includes(SECRET), line);
        assert.ok(line.includes(kept), line);
      }
    });
  }

  it('is what stands under a secret name, at any depth and in any spelling', () => {
    for (const name of ['token', 'Authorization', 'access_token', 'clientSecret', 'Set-Cookie', 'stringData', 'data']) {
      for (const field of [{ [name]: SECRET }, { a: { b: [{ [name]: { c: SECRET } }] } }]) {
        const line = logged((log) => log.info({ field, err: Object.assign(new Error('x'), field) }, 'a'));
        assert.ok(!line.includes(SECRET), line);
      }
    }
  });

  it('is nothing that only looks alike', () => {
    const texts = [
      'registry.example/shop/web@sha256:0123456789abcdef',
      'https://git.example/team/shop@v1.git?ref=main',
      'git@git.example:team/shop.git',
      'the bearer token is missing; Basic authentication is not taken',
      'secret shop/registry has no token',
    ];
    for (const text of texts) assert.equal(withoutSecretTexts(text), text);
  });

  it('never breaks a line', () => {
    const piece = fc.oneof(
      fc.string(),
      fc.constantFrom(
        'https://',
        '@',
        '"',
        '\\',
        '?token=',
        '&sig=',
        'Bearer ',
        'eyJaaaaaaaa-',
        '-----BEGIN PRIVATE KEY-----',
      ),
    );
    fc.assert(
      fc.property(fc.array(piece, { maxLength: 30 }), (pieces) => {
        logged((log) => log.info({ a: pieces.join(''), [pieces[0] ?? 'b']: pieces }, pieces.join('')));
      }),
    );
    const cyclic: Record<string, unknown> = { text: 'x' };
    cyclic.self = cyclic;
    assert.match(
      logged((log) => log.info({ cyclic, big: 1n, bytes: Buffer.alloc(9), nothing: null }, 'a')),
      /9 bytes/,
    );
  });
});
