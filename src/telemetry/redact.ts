import { pino } from 'pino';

const CENSOR = '[redacted]';

/** Names under which credentials and the contents of Secrets travel, in any case, with `-` and `_` left out. */
const SECRET_NAMES = new Set([
  'token',
  'accesstoken',
  'refreshtoken',
  'idtoken',
  'privatetoken',
  'bearertoken',
  'password',
  'passwd',
  'passphrase',
  'authorization',
  'proxyauthorization',
  'cookie',
  'setcookie',
  'credentials',
  'apikey',
  'privatekey',
  'clientsecret',
  'secretaccesskey',
  'sessiontoken',
  'jwt',
  'data',
  'stringdata',
  'headers',
]);
const MAX_DEPTH = 6;
const MAX_ENTRIES = 100;

const isSecret = (name: string): boolean => SECRET_NAMES.has(name.replace(/[-_]/g, '').toLowerCase());

/**
 * The value as plain data, without what stands under a secret name at any depth; errors with their causes and those
 * that an AggregateError holds. What is nested deeper than 6 levels, and the 101st entry of a list or object, is left out.
 */
export const withoutSecretFields = (value: unknown, depth = 0): unknown => {
  if (typeof value === 'bigint') return String(value);
  if (typeof value !== 'object' || value === null) return value;
  if (depth > MAX_DEPTH) return '[too deep]';
  if (ArrayBuffer.isView(value)) return `[${value.byteLength} bytes]`;
  if (value instanceof Error) return withoutSecretFields(pino.stdSerializers.err(value), depth + 1);
  if (value instanceof Date || value instanceof URL) return value.toJSON();
  if (value instanceof Map || value instanceof Set) return withoutSecretFields([...value], depth);
  if (Array.isArray(value)) return value.slice(0, MAX_ENTRIES).map((item) => withoutSecretFields(item, depth + 1));
  const entries = Object.entries(value).slice(0, MAX_ENTRIES);
  return Object.fromEntries(
    entries.map(([name, field]) => [name, isSecret(name) ? CENSOR : withoutSecretFields(field, depth + 1)]),
  );
};

/** One character of a text, or of a text within JSON, that ends neither a word nor the JSON string. */
const WORD = String.raw`(?:[^\s"'\\<>&#]|\\["'\\])`;
/** What is secret in a text, and what is shown instead. Each ends before a quote, so that JSON stays JSON. */
const SECRET_TEXTS: readonly [RegExp, string][] = [
  // The last @ before the path ends the user info: a password may hold one.
  [/:\/\/(?:[^/?#\s"\\]|\\["\\])*@/g, `://${CENSOR}@`],
  [
    new RegExp(`([?&;][\\w.-]*(?:token|secret|passw(?:or)?d|api[-_]?key|sig(?:nature)?|auth)=)${WORD}+`, 'gi'),
    `$1${CENSOR}`,
  ],
  [/\b([Bb]earer|[Bb]asic) +(?=[a-z.~+/_-]*[A-Z0-9=])[\w.~+/=-]{8,}/g, `$1 ${CENSOR}`],
  [/\beyJ[\w-]{8,4000}\.[\w-]+\.[\w-]*/g, CENSOR],
  [/\b(?:gh[pousr]_|github_pat_|glpat-|xox[abprs]-)[\w-]{10,}/g, CENSOR],
  [/-----BEGIN [A-Z ]*PRIVATE KEY-----(?:[^"\\-]|\\.)*(?:-----END [A-Z ]*PRIVATE KEY-----)?/g, CENSOR],
];

/** The text without user info and tokens of URLs, bearer tokens, tokens of known shapes and private keys. */
export const withoutSecretTexts = (text: string): string =>
  SECRET_TEXTS.reduce((rest, [pattern, instead]) => rest.replace(pattern, instead), text);
