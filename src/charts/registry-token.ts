import { ReasonError } from '../api/reason-error.ts';
import { CHART_LIMITS } from './limits.ts';
import { jsonOf, shown, type Web, type WebAnswer } from './web.ts';

export interface RegistryPorts {
  web: Web;
  /** The header that the Secret gives; none where there is no Secret. */
  authorization: string | undefined;
}

/**
 * Asks a registry, which answers the first question with where a token for it is to be had: with the credentials of the
 * Secret, or for everybody (https://distribution.github.io/distribution/spec/auth/token/).
 * @param path of the repository, for which the token is
 */
export const createAsk = (path: string, { web, authorization }: RegistryPorts): Web => {
  let current = authorization;
  return async (url, wanted) => {
    const answer = await web(url, { ...wanted, authorization: current, answers: [...(wanted.answers ?? []), 401] });
    if (answer.status !== 401) return answer;
    await drained(answer);
    // Whoever the registry sends its readers to does not say who gets their password.
    if (new URL(answer.url).origin !== new URL(url).origin) throw refused(answer.url);
    const token = await tokenFor(answer, path, { web, authorization });
    if (token === undefined) throw refused(answer.url);
    current = `Bearer ${token}`;
    return web(url, { ...wanted, authorization: current });
  };
};

const tokenFor = async (
  { headers, url }: WebAnswer,
  path: string,
  { web, authorization }: RegistryPorts,
): Promise<string | undefined> => {
  const [challenge = ''] = [headers['www-authenticate']].flat();
  const { realm, service } = Object.fromEntries(
    [...challenge.matchAll(/\b(\w{1,64})="([^"]{0,1024})"/g)].map(([, name = '', value = '']) => [
      name.toLowerCase(),
      value,
    ]),
  );
  const target = /^bearer /i.test(challenge) ? URL.parse(realm ?? '') : null;
  if (!target) return undefined;
  if (target.protocol !== 'https:') {
    throw new ReasonError(
      'AuthenticationFailed',
      `${shown(url)} asks for a token of ${target.origin}, which is not https://`,
    );
  }
  if (service !== undefined) target.searchParams.set('service', service);
  target.searchParams.set('scope', `repository:${path}:pull`);
  const answer = await web(target.href, { maxBytes: CHART_LIMITS.answerBytes, authorization, answers: [401, 403] });
  if (answer.status !== 200) {
    await drained(answer);
    return undefined;
  }
  const { token, access_token: accessToken } = await jsonOf(answer);
  return [token, accessToken].find((text) => typeof text === 'string');
};

const refused = (url: string): ReasonError =>
  new ReasonError(
    'AuthenticationFailed',
    `${shown(url)} refuses the credentials, or wants some: check the Secret of spec.render.helm.chart.secretRef`,
  );

const drained = async ({ body }: WebAnswer): Promise<void> => {
  for await (const _ of body);
};
