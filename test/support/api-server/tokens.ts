import { refused } from './refusals.ts';

const TOKEN = /^POST \/api\/v1\/namespaces\/([^/]+)\/serviceaccounts\/([^/]+)\/token$/;

/** What a TokenRequest is answered: an account asks for itself alone. Undefined for what is none. */
export const tokenFor = (request: string, body: unknown, user: string | undefined): object | undefined => {
  const [, namespace, name] = TOKEN.exec(request) ?? [];
  if (name === undefined) return undefined;
  const account = `system:serviceaccount:${namespace}:${name}`;
  if (user !== account) throw refused(403, 'Forbidden', `${user} cannot create serviceaccounts/token`);
  const { spec } = body as { spec: { audiences: string[] } };
  return { status: { token: jwtOf(account, spec.audiences[0] ?? '') } };
};

/** What stands for the token of a ServiceAccount, `system:serviceaccount:NAMESPACE:NAME`. */
export const jwtOf = (account: string, audience: string): string => `jwt of ${account} for ${audience}`;
