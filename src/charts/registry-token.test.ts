import assert from 'node:assert/strict';
import { describe, it } from 'mocha';
import { ReasonError } from '../api/reason-error.ts';
import { createAsk } from './registry-token.ts';
import type { Web, WebAnswer } from './web.ts';

const API = 'https://registry.example.com/v2/charts/web';

interface Asked {
  url: string;
  authorization: string | undefined;
}

/** A registry that answers with what the test says, and what it was asked. */
const registry = (
  answers: Record<string, { status?: number; challenge?: string; json?: object; redirectedTo?: string }[]>,
) => {
  const asked: Asked[] = [];
  const web: Web = async (url, { authorization, answers: taken = [] }): Promise<WebAnswer> => {
    asked.push({ url, authorization });
    const { status = 200, challenge, json = {}, redirectedTo = url } = answers[url.replace(/\?.*/, '')]?.shift() ?? {};
    if (status !== 200 && !taken.includes(status)) throw new ReasonError('AuthenticationFailed', `answered ${status}`);
    const body = (async function* () {
      yield Buffer.from(JSON.stringify(json));
    })();
    return {
      url: redirectedTo,
      status,
      headers: challenge === undefined ? {} : { 'www-authenticate': challenge },
      body,
    };
  };
  return { asked, web };
};
const challenge = (realm: string): string => `Bearer realm="${realm}",service="registry.example.com",scope="a"`;
const TOKENS = 'https://auth.example.com/token';

describe('a token of a registry', () => {
  it('is asked for where the registry says, with the credentials, and used from then on', async () => {
    const { asked, web } = registry({
      [`${API}/a`]: [{ status: 401, challenge: challenge(TOKENS) }],
      [TOKENS]: [{ json: { access_token: 'one' } }],
    });
    const ask = createAsk('charts/web', { web, authorization: 'Basic mine' });
    await ask(`${API}/a`, { maxBytes: 1 });
    await ask(`${API}/b`, { maxBytes: 1 });
    const scope = 'service=registry.example.com&scope=repository%3Acharts%2Fweb%3Apull';
    assert.deepEqual(asked, [
      { url: `${API}/a`, authorization: 'Basic mine' },
      { url: `${TOKENS}?${scope}`, authorization: 'Basic mine' },
      { url: `${API}/a`, authorization: 'Bearer one' },
      { url: `${API}/b`, authorization: 'Bearer one' },
    ]);
  });

  it('is for everybody where there are no credentials', async () => {
    const { asked, web } = registry({
      [`${API}/a`]: [{ status: 401, challenge: challenge(TOKENS) }],
      [TOKENS]: [{ json: { token: 'public' } }],
    });
    await createAsk('charts/web', { web, authorization: undefined })(`${API}/a`, { maxBytes: 1 });
    assert.deepEqual(
      asked.map(({ authorization }) => authorization),
      [undefined, undefined, 'Bearer public'],
    );
  });

  it('is asked for nowhere that only a host says to which the registry redirected: it would get the password', async () => {
    const evil = 'https://auth.evil.example/token';
    const { asked, web } = registry({
      [`${API}/a`]: [{ status: 401, challenge: challenge(evil), redirectedTo: 'https://storage.example.net/a' }],
    });
    await assert.rejects(
      createAsk('charts/web', { web, authorization: 'Basic mine' })(`${API}/a`, { maxBytes: 1 }),
      (e: ReasonError) => e.code === 'AuthenticationFailed' && e.message.startsWith('https://storage.example.net/a '),
    );
    assert.deepEqual(
      asked.map(({ url }) => url),
      [`${API}/a`],
    );
  });

  const refused: [what: string, answers: Parameters<typeof registry>[0], says: RegExp][] = [
    [
      'would be asked for without encryption',
      { [`${API}/a`]: [{ status: 401, challenge: challenge('http://auth.example.com/token') }] },
      /asks for a token of http:\/\/auth.example.com, which is not https/,
    ],
    [
      'is not offered',
      { [`${API}/a`]: [{ status: 401, challenge: 'Basic realm="a"' }] },
      /refuses the credentials, or wants some/,
    ],
    [
      'is refused',
      { [`${API}/a`]: [{ status: 401, challenge: challenge(TOKENS) }], [TOKENS]: [{ status: 403 }] },
      /refuses the credentials/,
    ],
    [
      'is not taken',
      {
        [`${API}/a`]: [{ status: 401, challenge: challenge(TOKENS) }, { status: 401 }],
        [TOKENS]: [{ json: { token: 'one' } }],
      },
      /answered 401/,
    ],
  ];
  for (const [what, answers, says] of refused)
    it(`that ${what} ends the look, in words`, () =>
      assert.rejects(
        createAsk('charts/web', { web: registry(answers).web, authorization: 'Basic mine' })(`${API}/a`, {
          maxBytes: 1,
        }),
        (e: ReasonError) => e.code === 'AuthenticationFailed' && says.test(e.message),
      ));

  it('is not looked for without end in a long header', async () => {
    const long = { status: 401, challenge: `Bearer ${'a'.repeat(1_000_000)}` };
    const { web } = registry({ [`${API}/a`]: [long] });
    await assert.rejects(createAsk('charts/web', { web, authorization: undefined })(`${API}/a`, { maxBytes: 1 }), {
      code: 'AuthenticationFailed',
    });
  });

  it('is not named with the signature of an address that a registry redirects to', async () => {
    const to = 'https://storage.example.net/a?X-Signature=hunter2';
    const { web } = registry({ [`${API}/a`]: [{ status: 401, challenge: challenge(TOKENS), redirectedTo: to }] });
    await assert.rejects(
      createAsk('charts/web', { web, authorization: 'Basic mine' })(`${API}/a`, { maxBytes: 1 }),
      (e: ReasonError) => /^https:\/\/storage.example.net\/a refuses/.test(e.message) && !e.message.includes('hunter2'),
    );
  });
});
